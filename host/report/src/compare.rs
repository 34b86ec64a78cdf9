//! What changed between two runs, and whether the difference is significant.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use physrep_benchmarks::Split;
use physrep_records::{CellRecord, RunResults};
use physrep_statistics::{Comparison, Interval};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    leaderboard::{Leaderboard, Row, RowScore, SystemLeaderboard, errors},
};

/// The columns, and whether they hold numbers.
const COLUMNS: [(&str, bool); 9] = [
    ("method", false),
    ("track", false),
    ("probe", false),
    ("MSE of A", true),
    ("of B", true),
    ("B - A", true),
    ("over trajectories", true),
    ("over seeds", true),
    ("B is", false),
];

/// For each row and probe that both runs have: the error in either, the difference with its 95 % intervals, and whether it is significant;
/// then what else differs between the runs.
///
/// # Errors
///
/// [`Error::Usage`] if a run has no cells, or if the runs are of different suites or test trajectories, whose errors cannot be paired.
pub fn compare(a: &RunResults, b: &RunResults) -> Result<String> {
    let empty = || Error::Usage("expected two runs with cells, but one of them has none".into());
    let (a, b) = (Leaderboard::of(a).ok_or_else(empty)?, Leaderboard::of(b).ok_or_else(empty)?);
    let mut text = String::new();
    for system in &a.systems {
        match b.systems.iter().find(|other| other.name == system.name) {
            Some(other) => text += &compare_system(system, other)?,
            None => text += &format!("{}: only in the first run\n\n", system.name),
        }
    }
    for system in b.systems.iter().filter(|other| a.systems.iter().all(|system| system.name != other.name)) {
        text += &format!("{}: only in the second run\n\n", system.name);
    }
    Ok(text.trim_end().to_owned() + "\n")
}

fn compare_system(a: &SystemLeaderboard<'_>, b: &SystemLeaderboard<'_>) -> Result<String> {
    let mut lines: Vec<[String; 9]> = Vec::new();
    let mut changes = Vec::new();
    for row in &a.rows {
        let Some(other) = same(row, b) else {
            changes.push(format!("{}: only in the first run", row.name()));
            continue;
        };
        let (Some(one), Some(two)) = (row.records.first(), other.records.first()) else {
            changes.push(format!("{}: without a record in one of the runs", row.name()));
            continue;
        };
        check_comparable(one, two)?;
        changes.extend(differences(one, two).into_iter().map(|difference| format!("{}: {difference}", row.name())));
        lines.extend(row.scores.iter().filter_map(|score| {
            let errors = |row: &Row<'_>| errors(&row.records, score.track, &score.probe, 1.0);
            let theirs = other.score(score.track, &score.probe)?;
            let comparison = physrep_statistics::compare(&errors(other), &errors(row), &a.resampler)?;
            Some(line(row, score, theirs, &comparison))
        }));
    }
    for row in b.rows.iter().filter(|row| same(row, a).is_none()) {
        changes.push(format!("{}: only in the second run", row.name()));
    }
    let mut text = format!("{}\n\n", a.name);
    if !lines.is_empty() {
        text += &format!("{}\n\n", table(lines));
    }
    changes.dedup();
    text.extend(changes.iter().map(|change| format!("- {change}\n")));
    Ok(text + "\n")
}

fn table(lines: Vec<[String; 9]>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(COLUMNS.map(|(name, _)| name));
    for line in lines {
        table.add_row(line.into_iter().zip(COLUMNS).map(|(text, (_, numeric))| {
            let cell = Cell::new(text);
            if numeric { cell.set_alignment(CellAlignment::Right) } else { cell }
        }));
    }
    table
}

fn line(row: &Row<'_>, score: &RowScore, theirs: &RowScore, comparison: &Comparison) -> [String; 9] {
    let interval = |interval: Option<Interval>| {
        interval.map_or("-".to_owned(), |interval| format!("{:+.3} to {:+.3}", interval.low, interval.high))
    };
    let verdict = match (comparison.is_significant(), comparison.difference < 0.0) {
        _ if comparison.difference == 0.0 => "the same",
        (false, _) => "not significantly different",
        (true, true) => "better",
        (true, false) => "worse",
    };
    [
        row.name(),
        score.track.to_string(),
        score.probe.clone(),
        format!("{:.3}", score.mean.mse),
        format!("{:.3}", theirs.mean.mse),
        format!("{:+.3}", comparison.difference),
        interval(comparison.over_trajectories.map(|difference| difference.interval)),
        interval(comparison.over_seeds),
        verdict.to_owned(),
    ]
}

/// The row of the same encoder on another leaderboard.
fn same<'s, 'a>(row: &Row<'_>, system: &'s SystemLeaderboard<'a>) -> Option<&'s Row<'a>> {
    system.rows.iter().find(|other| other.key() == row.key())
}

/// Errors are paired trajectory by trajectory, so both records must be of the same suite and of the same trajectories.
fn check_comparable(a: &CellRecord, b: &CellRecord) -> Result<()> {
    let (one, two) = (&a.identity.suite, &b.identity.suite);
    if one != two {
        return Err(Error::Usage(format!(
            "{}: expected two runs of one suite, but they are of {} v{} ({}) and {} v{} ({})",
            a.identity.system, one.name, one.version, one.checksum, two.name, two.version, two.checksum
        )));
    }
    if a.splits.get(&Split::Test) != b.splits.get(&Split::Test) {
        return Err(Error::Usage(format!(
            "{}: expected the same test trajectories with the same labels in both runs, but they differ",
            a.identity.system
        )));
    }
    Ok(())
}

/// What may have caused a difference.
fn differences(a: &CellRecord, b: &CellRecord) -> Vec<String> {
    let plugin = |record: &CellRecord| {
        let checksum = record.encoder.as_ref().map(|encoder| encoder.plugin_checksum.clone());
        Value::from(checksum.map(|checksum| checksum.chars().take(12).collect::<String>()))
    };
    let (one, two) = (&a.environment, &b.environment);
    let text = |text: &String| Value::from(text.as_str());
    let facts = [
        ("the configuration", a.recipe.config.clone(), b.recipe.config.clone()),
        ("the plugin", plugin(a), plugin(b)),
        ("the data", text(&one.data_checksum), text(&two.data_checksum)),
        ("the program", text(&one.git_revision), text(&two.git_revision)),
        ("the compiler", text(&one.rustc), text(&two.rustc)),
        ("the processor", text(&one.cpu), text(&two.cpu)),
        ("the device", text(&one.device), text(&two.device)),
    ];
    let different = facts.iter().filter(|(_, one, two)| one != two);
    different.map(|(what, one, two)| format!("{what} was {one}, is {two}")).collect()
}
