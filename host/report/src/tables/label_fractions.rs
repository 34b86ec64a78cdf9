//! The scores of one system by label fraction: one line per encoder and probe, one column per fraction.

use physrep_records::Track;

use super::{
    lines::ruled,
    table::{Column, Entry, Line, Table, Value},
    wording::{interval, title},
};
use crate::leaderboard::{Leaderboard, RowScore, SystemLeaderboard};

/// The table; none for a suite with a single label fraction.
pub(crate) fn table(leaderboard: &Leaderboard<'_>, system: &SystemLeaderboard<'_>) -> Option<Table> {
    let frozen = |score: &&RowScore| score.track == Track::Frozen;
    let scores = system.rows.iter().flat_map(|row| &row.scores).filter(frozen);
    let mut fractions: Vec<f64> = scores.flat_map(|score| &score.by_label_fraction).map(|by| by.fraction).collect();
    fractions.sort_unstable_by(f64::total_cmp);
    fractions.dedup();
    if fractions.len() < 2 {
        return None;
    }
    let mut columns = vec![Column::text("method"), Column::text("probe")];
    columns.extend(fractions.iter().map(|fraction| Column::number(format!("{} %", (fraction * 1e4).round() / 1e2))));
    let mut lines = Vec::new();
    for (row, mut ruled) in ruled(system) {
        for score in row.scores.iter().filter(frozen) {
            let mut entries = vec![Entry::text(row.name()), Entry::text(&score.probe)];
            entries.extend(fractions.iter().map(|&fraction| {
                let found = score.by_label_fraction.iter().find(|by| by.fraction == fraction);
                Entry::from(found.map_or(Value::Missing, |by| Value::Score { mse: by.mse, interval: by.interval }))
            }));
            lines.push(Line { entries, ruled });
            ruled = false;
        }
    }
    let legend = format!(
        "MSE of labels on the test split by probes that saw the labels of this fraction of the trajectories of train and of valid, ± {}.",
        interval(leaderboard)
    );
    let title = title(leaderboard, system.name, "frozen encoders, by label fraction");
    Some(Table { title, legend, columns, lines, notes: Vec::new() })
}
