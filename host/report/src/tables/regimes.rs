//! The scores of one system on held-out parameters: one line per encoder and probe, one column for test and one per regime.

use physrep_benchmarks::Regime;
use physrep_records::Track;

use super::{
    lines::by_probe,
    table::{Column, Entry, Table},
    wording::{encoders, precision, title},
};
use crate::leaderboard::{Leaderboard, SystemLeaderboard};

/// The table; none for a suite without held-out parameters, or a track without scores.
pub(crate) fn table(leaderboard: &Leaderboard<'_>, system: &SystemLeaderboard<'_>, track: Track) -> Option<Table> {
    let regimes = system.regimes();
    let mut columns = vec![Column::text("method"), Column::text("probe"), Column::number("test")];
    columns.extend(regimes.iter().map(|regime| Column::number(regime.name().replace('_', " "))));
    let lines = by_probe(system, track, |score| {
        let of = |regime: &Regime| score.by_regime.iter().find(|by| by.regime == *regime).map(|by| by.error);
        std::iter::once(Some(score.test)).chain(regimes.iter().map(of)).map(Entry::error).collect()
    });
    let legend = format!(
        "MSE of labels on test and on trajectories with parameters that train does not have, ± {}. Interpolation: in the gap that train \
         leaves in the ranges; near and far extrapolation: beyond their ends. Regimes are not averaged. Predicting the mean does not \
         score 1 in a regime: compare with the line of mean.",
        precision(leaderboard, "the trajectories of the column")
    );
    let title = title(leaderboard, system.name, &format!("{}, held-out regimes", encoders(track)));
    let table = Table { title, legend, columns, lines, notes: Vec::new() };
    (!regimes.is_empty() && !table.lines.is_empty()).then_some(table)
}
