//! One encoder on one system.

use physrep_records::{CellRecord, Identity, Initialisation, RunCell, Track};

use super::{
    names::{self, Key},
    notes::{Note, notes},
    resamplers::Resamplers,
    score::{RowScore, score},
};

/// One encoder on one system: the cells that differ only in their seeds.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The identity of the first of its cells.
    pub identity: &'a Identity,
    /// The records of the cells that are done.
    pub records: Vec<&'a CellRecord>,
    /// By track and probe, in the order of the records.
    pub scores: Vec<RowScore>,
    /// What a reader must know of it.
    pub notes: Vec<Note>,
    /// The rows of other methods that turned out to be the same encoder: with the same checksums and the same scores.
    pub same: Vec<Row<'a>>,
}

impl<'a> Row<'a> {
    /// The row of `cells`, of which there is at least one. Its scores have no ranks yet.
    pub(super) fn of(cells: &[&'a RunCell], resamplers: &Resamplers) -> Self {
        let records: Vec<&CellRecord> = cells.iter().filter_map(|cell| cell.record()).collect();
        let mut probes: Vec<(Track, &str)> = Vec::new();
        for score in records.iter().flat_map(|record| &record.scores) {
            if !probes.contains(&(score.track, score.probe.as_str())) {
                probes.push((score.track, &score.probe));
            }
        }
        let scores =
            probes.into_iter().filter_map(|(track, probe)| score(&records, track, probe, resamplers)).collect();
        Self { identity: &cells[0].identity, scores, notes: notes(cells, &records), records, same: Vec::new() }
    }

    /// Joins a row of the same encoder. What is to be known of that one is to be known of this one.
    pub(super) fn join(&mut self, other: Self) {
        let new = other.notes.iter().filter(|note| note.is_missing_cell() || !self.notes.contains(note));
        let new: Vec<Note> = new.cloned().collect();
        self.notes.extend(new);
        self.same.push(other);
    }

    /// Its name in tables, with all methods that have this encoder: `autoencoder, jepa (random init)`.
    pub fn name(&self) -> String {
        names::of(self.keys())
    }

    /// The methods that have this encoder: `autoencoder, jepa`.
    pub fn methods(&self) -> String {
        self.keys().map(|(method, _)| method).collect::<Vec<_>>().join(", ")
    }

    /// The method and initialisation of this row and of those of the same encoder.
    pub fn keys(&self) -> impl Iterator<Item = Key<'a>> {
        std::iter::once(self).chain(&self.same).map(|row| key(row.identity))
    }

    /// Whether it is the row of a method in an initialisation, perhaps among others.
    pub fn is(&self, key: Key<'_>) -> bool {
        self.keys().any(|own| own == key)
    }

    /// The records of this row and of those of the same encoder.
    pub(crate) fn all_records(&self) -> impl Iterator<Item = &'a CellRecord> {
        std::iter::once(self).chain(&self.same).flat_map(|row| row.records.iter().copied())
    }

    /// Whether it is a floor, which has no encoder.
    pub fn is_floor(&self) -> bool {
        self.identity.initialisation == Initialisation::None
    }

    /// Whether its embeddings were made elsewhere, outside the suite's budget.
    pub fn is_elsewhere(&self) -> bool {
        self.identity.initialisation == Initialisation::Elsewhere
    }

    /// Whether it takes part in ranks and comparisons: an encoder that had the suite's budget.
    pub fn competes(&self) -> bool {
        !self.is_floor() && !self.is_elsewhere()
    }

    /// Its score by a probe.
    pub fn score(&self, track: Track, probe: &str) -> Option<&RowScore> {
        self.scores.iter().find(|score| score.track == track && score.probe == probe)
    }

    /// Its score by a probe or, for a floor, by the only probe that it has.
    pub(crate) fn score_or_own(&self, track: Track, probe: &str) -> Option<&RowScore> {
        let own = || self.scores.iter().find(|score| self.is_floor() && score.track == track);
        self.score(track, probe).or_else(own)
    }
}

/// The method and initialisation of a cell.
pub(super) fn key(identity: &Identity) -> Key<'_> {
    (&identity.method, identity.initialisation)
}
