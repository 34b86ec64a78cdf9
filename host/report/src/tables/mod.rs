//! The tables of a run: for each system its scores by probe, by parameter, by regime and by label fraction, its health and its cost; then
//! whether pretraining helps, and a summary of all systems. Every form shows the same tables.

pub(crate) mod by_parameter;
pub(crate) mod cost;
mod footnotes;
pub(crate) mod health;
mod label_fractions;
mod lines;
pub(crate) mod pretraining;
pub(crate) mod regimes;
pub(crate) mod scores;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod wording;

use physrep_records::Track;

use crate::leaderboard::Leaderboard;
use table::Table;

/// All tables of a run.
pub(crate) fn all(leaderboard: &Leaderboard<'_>) -> Vec<Table> {
    let mut tables = Vec::new();
    for system in &leaderboard.systems {
        tables.extend(Track::ALL.iter().filter_map(|&track| scores::table(leaderboard, system, track)));
        tables.extend(Track::ALL.iter().filter_map(|&track| by_parameter::table(leaderboard, system, track)));
        tables.extend(Track::ALL.iter().filter_map(|&track| regimes::table(leaderboard, system, track)));
        tables.extend(label_fractions::table(leaderboard, system));
        tables.extend(health::table(leaderboard, system));
        tables.extend(cost::tables(leaderboard, system));
    }
    tables.extend(Track::ALL.iter().flat_map(|&track| pretraining::tables(leaderboard, track)));
    tables.extend(summaries(leaderboard));
    tables
}

/// The tables that a run ends with: scores and health of each system, whether pretraining helps by the first probe, and the summary.
pub(crate) fn main(leaderboard: &Leaderboard<'_>) -> Vec<Table> {
    let mut tables = Vec::new();
    for system in &leaderboard.systems {
        tables.extend(Track::ALL.iter().filter_map(|&track| scores::table(leaderboard, system, track)));
        tables.extend(health::table(leaderboard, system));
    }
    tables.extend(Track::ALL.iter().flat_map(|&track| pretraining::tables(leaderboard, track).into_iter().take(1)));
    tables.extend(summaries(leaderboard));
    tables
}

/// The summary of all systems, one table per track.
pub(crate) fn summaries(leaderboard: &Leaderboard<'_>) -> Vec<Table> {
    Track::ALL.iter().filter_map(|&track| summary::table(leaderboard, track)).collect()
}
