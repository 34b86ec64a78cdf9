//! The scores of one system by parameter: one line per encoder and probe, one column per parameter.

use physrep_records::Track;

use super::{
    lines::by_probe,
    table::{Column, Entry, Table, Value},
    wording::{EMPHASIS, encoders, interval, random_initialisation, title},
};
use crate::leaderboard::{Leaderboard, SystemLeaderboard};

/// The table; none for a track without scores.
pub(crate) fn table(leaderboard: &Leaderboard<'_>, system: &SystemLeaderboard<'_>, track: Track) -> Option<Table> {
    let mut columns = vec![Column::text("method"), Column::text("probe")];
    columns.extend(system.parameters.iter().map(|name| Column::number(*name)));
    columns.extend(["mean", "R2", "by trajectory", "rank"].map(Column::number));
    let lines = by_probe(system, track, |score| {
        let mut entries: Vec<Entry> = score.parameters.iter().map(|&mse| Entry::number(Some(mse), 3)).collect();
        entries.push(Entry::score(Some(score)));
        entries.push(Entry::number(score.r2, 3));
        entries.push(Entry::number(Some(score.trajectory_mse), 3));
        entries.push(score.rank.map_or(Value::Missing, Value::Rank).into());
        entries
    });
    let legend = format!(
        "MSE of labels on the test split, the mean ± {}. R2 against the mean of the split itself; by trajectory: of the mean prediction \
         over the windows of a trajectory; rank: among encoders with the same probe. {EMPHASIS}{}",
        interval(leaderboard),
        random_initialisation(track)
    );
    let title = title(leaderboard, system.name, &format!("{}, by parameter", encoders(track)));
    (!lines.is_empty()).then(|| Table { title, legend, columns, lines, notes: Vec::new() })
}
