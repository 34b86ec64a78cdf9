//! What changed between two runs, and whether the difference is significant.

mod changes;
mod draws;
mod paired;
mod same_suite;

use physrep_records::{RunResults, SuiteFacts};

use crate::{
    error::{Error, Result},
    forms::terminal,
    leaderboard::{Leaderboard, Row, SystemLeaderboard},
    tables::wording::suite,
};

/// For each row and probe that both runs have: the error in either, the difference, and a verdict; then what else differs between the
/// runs. Two runs on one draw of a suite have the same test trajectories, so that differences are paired and tested. Two draws have not: a
/// difference is held against the intervals of both errors.
///
/// # Errors
///
/// [`Error::Usage`] if a run has no cells, or if the runs are of different suites or, on one draw, of different test trajectories.
pub fn compare(a: &RunResults, b: &RunResults) -> Result<String> {
    let empty = || Error::Usage("expected two runs with cells, but one of them has none".into());
    let (a, b) = (Leaderboard::of(a).ok_or_else(empty)?, Leaderboard::of(b).ok_or_else(empty)?);
    let suites = [a.suite, b.suite];
    let mut text = String::new();
    for system in &a.systems {
        match b.systems.iter().find(|other| other.name == system.name) {
            Some(other) => text += &compare_system(system, other, suites)?,
            None => text += &format!("{}: only in the first run\n\n", system.name),
        }
    }
    for system in b.systems.iter().filter(|other| a.systems.iter().all(|system| system.name != other.name)) {
        text += &format!("{}: only in the second run\n\n", system.name);
    }
    let mut text = text.trim_end().to_owned() + "\n";
    if suites[0].draw == suites[1].draw && has_row_alone(&a, &b) {
        text += "\nrows that only one run has stand beside the others after: physrep-bench merge OUT FIRST SECOND\n";
    }
    Ok(text)
}

/// Whether a row of one leaderboard is not on the other, on a system that both have.
fn has_row_alone(a: &Leaderboard<'_>, b: &Leaderboard<'_>) -> bool {
    let pairs = a.systems.iter().filter_map(|one| Some((one, b.systems.iter().find(|two| two.name == one.name)?)));
    let alone = |one: &SystemLeaderboard<'_>, two| one.rows.iter().any(|row| same(row, two).is_none());
    pairs.into_iter().any(|(one, two)| alone(one, two) || alone(two, one))
}

fn compare_system(a: &SystemLeaderboard<'_>, b: &SystemLeaderboard<'_>, suites: [&SuiteFacts; 2]) -> Result<String> {
    let one_draw = suites[0].draw == suites[1].draw;
    let (mut both, mut changes) = (Vec::new(), Vec::new());
    for row in &a.rows {
        if row.is_elsewhere() {
            changes.push(format!("{}: embeddings made elsewhere, which are not compared", row.name()));
            continue;
        }
        let Some(other) = same(row, b) else {
            changes.push(format!("{}: only in the first run", row.name()));
            continue;
        };
        let (Some(one), Some(two)) = (row.records.first(), other.records.first()) else {
            changes.push(format!("{}: without a record in one of the runs", row.name()));
            continue;
        };
        if one_draw {
            same_suite::on_one_draw(one, two)?
        } else {
            same_suite::on_two_draws(one, two)?
        }
        changes.extend(changes::between(one, two).into_iter().map(|change| format!("{}: {change}", row.name())));
        both.push((row, other));
    }
    for row in b.rows.iter().filter(|row| same(row, a).is_none()) {
        changes.push(format!("{}: only in the second run", row.name()));
    }
    changes.dedup();
    let table = match one_draw {
        true => paired::table(format!("{} ({})", a.name, suite(suites[0])), &both, &a.resamplers.test),
        false => draws::table(a.name, &both, suites),
    };
    let mut text = if table.lines.is_empty() { format!("{}\n\n", a.name) } else { terminal(&table) };
    text.extend(changes.iter().map(|change| format!("- {change}\n")));
    Ok(text + "\n")
}

/// The row of the same encoder on another leaderboard.
fn same<'s, 'a>(row: &Row<'_>, system: &'s SystemLeaderboard<'a>) -> Option<&'s Row<'a>> {
    system.rows.iter().find(|other| row.keys().any(|key| other.is(key)))
}
