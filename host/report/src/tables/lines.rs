//! The order of lines in the tables of one system.

use crate::leaderboard::{Row, SystemLeaderboard};

/// The rows of a system, and whether a rule comes before each: above the floors.
pub(super) fn ruled<'s, 'a>(system: &'s SystemLeaderboard<'a>) -> impl Iterator<Item = (&'s Row<'a>, bool)> {
    let first_floor = system.rows.iter().position(Row::is_floor).filter(|&place| place > 0);
    system.rows.iter().enumerate().map(move |(place, row)| (row, Some(place) == first_floor))
}
