//! The order of lines in the tables of one system.

use physrep_records::Track;

use super::table::{Entry, Line};
use crate::leaderboard::{Row, RowScore, SystemLeaderboard};

/// The rows of a system, and whether a rule comes before each: above embeddings made elsewhere, and above the floors.
pub(super) fn ruled<'s, 'a>(system: &'s SystemLeaderboard<'a>) -> impl Iterator<Item = (&'s Row<'a>, bool)> {
    let first = |of: fn(&Row<'a>) -> bool| system.rows.iter().position(of).filter(|&place| place > 0);
    let ruled = [first(Row::is_elsewhere), first(Row::is_floor)];
    system.rows.iter().enumerate().map(move |(place, row)| (row, ruled.contains(&Some(place))))
}

/// One line for each row and probe of a track: the row's name, the probe, and the entries of its score.
pub(super) fn by_probe(
    system: &SystemLeaderboard<'_>,
    track: Track,
    entries: impl Fn(&RowScore) -> Vec<Entry>,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for (row, mut ruled) in ruled(system) {
        for score in row.scores.iter().filter(|score| score.track == track) {
            let names = [Entry::text(row.name()), Entry::text(&score.probe)];
            lines.push(Line { entries: names.into_iter().chain(entries(score)).collect(), ruled });
            ruled = false;
        }
    }
    lines
}
