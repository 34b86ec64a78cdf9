//! What tables, figures and comparisons show of a run, computed once from its records.
//!
//! The crate's README says what a row is, which interval it has and how it is ranked.

mod estimate;
pub(crate) mod names;
mod notes;
mod pretraining;
mod rank;
mod resamplers;
mod row;
mod same_encoder;
mod score;
mod significance;

use physrep_benchmarks::Regime;
use physrep_records::{RunCell, RunResults, SuiteFacts, Track};

pub use estimate::Estimate;
pub use names::Key;
pub use notes::{Note, Seeds};
pub use pretraining::{Pretraining, Verdict};
pub use row::Row;
pub use score::{ByLabelFraction, ByRegime, RowScore};
pub use significance::Significance;

pub(crate) use estimate::errors;
use resamplers::Resamplers;

/// The scores of a run.
pub struct Leaderboard<'a> {
    /// The suite.
    pub suite: &'a SuiteFacts,
    /// One leaderboard per system, in the order of the run.
    pub systems: Vec<SystemLeaderboard<'a>>,
}

/// The scores of a run on one system.
pub struct SystemLeaderboard<'a> {
    /// The system's name.
    pub name: &'a str,
    /// Its parameters; empty if no cell is done.
    pub parameters: Vec<&'a str>,
    /// One row per encoder, floors last.
    pub rows: Vec<Row<'a>>,
    /// Draws of its trajectories.
    pub(crate) resamplers: Resamplers,
}

impl<'a> Leaderboard<'a> {
    /// The leaderboard of a run; none if the run has no cells.
    pub fn of(results: &'a RunResults) -> Option<Self> {
        let suite = &results.cells.first()?.identity.suite;
        let systems = results.by_system();
        let mut leaderboard = Self {
            suite,
            systems: systems.into_iter().map(|(name, cells)| SystemLeaderboard::of(name, &cells)).collect(),
        };
        if leaderboard.seeds() > 1 {
            let rows = leaderboard.systems.iter_mut().flat_map(|system| &mut system.rows);
            rows.filter(|row| row.records.len() == 1).for_each(|row| row.notes.push(Note::SingleSeed));
        }
        Some(leaderboard)
    }

    /// The largest number of seeds of a row.
    pub fn seeds(&self) -> usize {
        self.rows().map(|row| row.records.len()).max().unwrap_or_default()
    }

    /// The rows of all systems.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row<'a>> {
        self.systems.iter().flat_map(|system| &system.rows)
    }
}

impl<'a> SystemLeaderboard<'a> {
    fn of(name: &'a str, cells: &[&'a RunCell]) -> Self {
        let first = cells.iter().find_map(|cell| cell.record());
        let resamplers = Resamplers::of_system(first);
        let parameters = first.map(|record| record.parameters.iter().map(|scaling| scaling.name.as_str()).collect());
        let groups = cells.chunk_by(|a, b| row::key(&a.identity) == row::key(&b.identity));
        let mut rows = same_encoder::joined(groups.map(|group| Row::of(group, &resamplers)));
        rank::rank(&mut rows, &resamplers.test);
        Self { name, parameters: parameters.unwrap_or_default(), rows, resamplers }
    }

    /// The probes of a track, in the order of the records; the probe of the mean floor is not one of them.
    pub fn probes(&self, track: Track) -> Vec<&str> {
        let mut probes = Vec::new();
        for score in self.rows.iter().flat_map(|row| &row.scores).filter(|score| score.track == track) {
            if score.probe != "mean" && !probes.contains(&score.probe.as_str()) {
                probes.push(&score.probe);
            }
        }
        probes
    }

    /// The first probe of frozen encoders, which summaries and figures show.
    pub fn first_probe(&self) -> Option<&str> {
        self.probes(Track::Frozen).first().copied()
    }

    /// The regimes of held-out parameters that the suite has on this system.
    pub fn regimes(&self) -> Vec<Regime> {
        self.resamplers.regimes().collect()
    }
}
