//! One encoder on one system.

use physrep_records::{CellRecord, Identity, Initialisation, RunCell, Track};
use physrep_statistics::Resampler;

use super::{
    notes::{Note, notes},
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
}

impl<'a> Row<'a> {
    /// The row of `cells`, of which there is at least one. Its scores have no ranks yet.
    pub(super) fn of(cells: &[&'a RunCell], resampler: &Resampler) -> Self {
        let records: Vec<&CellRecord> = cells.iter().filter_map(|cell| cell.record()).collect();
        let mut probes: Vec<(Track, &str)> = Vec::new();
        for score in records.iter().flat_map(|record| &record.scores) {
            if !probes.contains(&(score.track, score.probe.as_str())) {
                probes.push((score.track, &score.probe));
            }
        }
        let scores = probes.into_iter().filter_map(|(track, probe)| score(&records, track, probe, resampler)).collect();
        Self { identity: &cells[0].identity, scores, notes: notes(cells, &records), records }
    }

    /// Its name in tables.
    pub fn name(&self) -> String {
        match self.identity.initialisation {
            Initialisation::Random => format!("{} (random init)", self.identity.method),
            Initialisation::Joint => format!("{} (joint)", self.identity.method),
            Initialisation::Pretrained | Initialisation::None => self.identity.method.clone(),
        }
    }

    /// The method and its initialisation: what makes rows of two systems, or of two runs, rows of the same encoder.
    pub fn key(&self) -> (&'a str, Initialisation) {
        key(self.identity)
    }

    /// Whether it is a floor, which has no encoder.
    pub fn is_floor(&self) -> bool {
        self.identity.initialisation == Initialisation::None
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
pub(super) fn key(identity: &Identity) -> (&str, Initialisation) {
    (&identity.method, identity.initialisation)
}
