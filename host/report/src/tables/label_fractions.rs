//! The scores of one system by label fraction: one line per encoder and probe, one column per fraction.

use physrep_records::Track;

use super::{
    lines::by_probe,
    table::{Column, Entry, Table},
    wording::{interval, title},
};
use crate::leaderboard::{Leaderboard, SystemLeaderboard};

/// The table; none for a suite with a single label fraction.
pub(crate) fn table(leaderboard: &Leaderboard<'_>, system: &SystemLeaderboard<'_>) -> Option<Table> {
    let scores = system.rows.iter().flat_map(|row| &row.scores).filter(|score| score.track == Track::Frozen);
    let mut fractions: Vec<f64> = scores.flat_map(|score| &score.by_label_fraction).map(|by| by.fraction).collect();
    fractions.sort_unstable_by(f64::total_cmp);
    fractions.dedup();
    if fractions.len() < 2 {
        return None;
    }
    let mut columns = vec![Column::text("method"), Column::text("probe")];
    columns.extend(fractions.iter().map(|fraction| Column::number(format!("{} %", (fraction * 1e4).round() / 1e2))));
    let lines = by_probe(system, Track::Frozen, |score| {
        let of = |fraction: &f64| score.by_label_fraction.iter().find(|by| by.fraction == *fraction);
        fractions.iter().map(|fraction| Entry::error(of(fraction).map(|by| by.error))).collect()
    });
    let legend = format!(
        "MSE of labels on the test split by probes that saw the labels of this fraction of the trajectories of train and of valid, ± {}.",
        interval(leaderboard)
    );
    let title = title(leaderboard, system.name, "frozen encoders, by label fraction");
    Some(Table { title, legend, columns, lines, notes: Vec::new() })
}
