//! `physrep-bench compare`: what changed between two runs, and whether it matters.

use std::path::PathBuf;

use clap::Args;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;

use crate::{
    Error, Result,
    board::{Board, Row, System, errors},
    result::CellResult,
    standings::Standings,
    statistics::compare,
};

use physrep_benchmarks::Split;

/// What to compare.
#[derive(Clone, Debug, Args)]
pub struct Compare {
    /// The folder of a run.
    a: PathBuf,
    /// The folder of another.
    b: PathBuf,
}

/// Prints, for each row and probe that both runs have, the error in either, the difference with its intervals and what to make of
/// it; then what else differs.
pub fn run(command: &Compare) -> Result<()> {
    let (a, b) = (Standings::read(&command.a)?, Standings::read(&command.b)?);
    print!("{}", text(&a, &b)?);
    Ok(())
}

/// The comparison as text.
pub fn text(a: &Standings, b: &Standings) -> Result<String> {
    let none = || Error::Usage("expected two runs with cells, but one has none".into());
    let (a, b) = (Board::of(a).ok_or_else(none)?, Board::of(b).ok_or_else(none)?);
    let mut text = String::new();
    for system in &a.systems {
        let Some(other) = b.systems.iter().find(|other| other.name == system.name) else {
            text += &format!("{}: only in the first run\n\n", system.name);
            continue;
        };
        text += &compare_system(system, other)?;
    }
    for system in b.systems.iter().filter(|other| a.systems.iter().all(|system| system.name != other.name)) {
        text += &format!("{}: only in the second run\n\n", system.name);
    }
    Ok(text.trim_end().to_owned() + "\n")
}

fn compare_system(a: &System<'_>, b: &System<'_>) -> Result<String> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled).set_header([
        "method",
        "track",
        "probe",
        "MSE of A",
        "of B",
        "B - A",
        "over trajectories",
        "over seeds",
        "B is",
    ]);
    let (mut changes, mut rows) = (Vec::new(), 0);
    for row in &a.rows {
        let Some(other) = same(row, b) else {
            changes.push(format!("{}: only in the first run", row.name()));
            continue;
        };
        let (Some(one), Some(two)) = (row.results.first(), other.results.first()) else {
            changes.push(format!("{}: without a result in one of the runs", row.name()));
            continue;
        };
        comparable(one, two)?;
        changes.extend(differences(one, two).into_iter().map(|what| format!("{}: {what}", row.name())));
        for score in &row.scores {
            let Some(theirs) = other.score(score.track, &score.probe) else {
                continue;
            };
            let of = |row: &Row<'_>| errors(&row.results, score.track, &score.probe, 1.0);
            let Some(comparison) = compare(&of(other), &of(row), &a.resampler) else {
                continue;
            };
            let interval = |interval: Option<crate::statistics::Interval>| {
                interval.map_or("-".to_owned(), |interval| format!("{:+.3} to {:+.3}", interval.low, interval.high))
            };
            let verdict = match (comparison.clear(), comparison.difference < 0.0) {
                _ if comparison.difference == 0.0 => "the same",
                (false, _) => "not clearly different",
                (true, true) => "better",
                (true, false) => "worse",
            };
            let cells = [
                row.name(),
                score.track.to_string(),
                score.probe.clone(),
                format!("{:.3}", score.mean.mse),
                format!("{:.3}", theirs.mean.mse),
                format!("{:+.3}", comparison.difference),
                interval(comparison.over_trajectories.map(|difference| difference.interval)),
                interval(comparison.over_seeds),
                verdict.to_owned(),
            ];
            table.add_row(cells.into_iter().enumerate().map(|(column, text)| {
                let cell = Cell::new(text);
                if (3..8).contains(&column) { cell.set_alignment(CellAlignment::Right) } else { cell }
            }));
            rows += 1;
        }
    }
    for row in b.rows.iter().filter(|row| same(row, a).is_none()) {
        changes.push(format!("{}: only in the second run", row.name()));
    }
    let mut text = format!("{}\n\n", a.name);
    if rows > 0 {
        text += &format!("{table}\n\n");
    }
    changes.dedup();
    text.extend(changes.iter().map(|change| format!("- {change}\n")));
    Ok(text + "\n")
}

/// The row of the same name.
fn same<'s, 'a>(row: &Row<'_>, system: &'s System<'a>) -> Option<&'s Row<'a>> {
    let key = |row: &Row<'_>| (row.cell.method.clone(), row.cell.initialisation);
    system.rows.iter().find(|other| key(other) == key(row))
}

/// Errors are paired trajectory by trajectory, so both must be of the same suite and on the same ones.
fn comparable(a: &CellResult, b: &CellResult) -> Result<()> {
    let (one, two) = (&a.identity.suite, &b.identity.suite);
    if one != two {
        return Err(Error::Usage(format!(
            "{}: expected two runs of one suite, but they are of {} v{} ({}) and {} v{} ({})",
            a.identity.system, one.name, one.version, one.checksum, two.name, two.version, two.checksum
        )));
    }
    if a.splits.get(&Split::Test) != b.splits.get(&Split::Test) {
        return Err(Error::Usage(format!(
            "{}: expected the same trajectories with the same labels in test, but those of the runs differ",
            a.identity.system
        )));
    }
    Ok(())
}

/// What may have made a difference.
fn differences(a: &CellResult, b: &CellResult) -> Vec<String> {
    let mut differences = Vec::new();
    let mut note = |what: &str, one: &Value, two: &Value| {
        if one != two {
            differences.push(format!("{what} was {one}, is {two}"));
        }
    };
    let plugin = |result: &CellResult| {
        let checksum = result.encoder.as_ref().map(|encoder| encoder.plugin_checksum.clone());
        Value::from(checksum.map(|checksum| checksum[..checksum.len().min(12)].to_owned()))
    };
    note("the configuration", &a.recipe.config, &b.recipe.config);
    note("the plugin", &plugin(a), &plugin(b));
    let (one, two) = (&a.environment, &b.environment);
    let text = |text: &str| Value::from(text);
    note("the data", &text(&one.data_checksum), &text(&two.data_checksum));
    note("the program", &text(&one.git_revision), &text(&two.git_revision));
    note("the compiler", &text(&one.rustc), &text(&two.rustc));
    note("the processor", &text(&one.cpu), &text(&two.cpu));
    note("the device", &text(&one.device), &text(&two.device));
    differences
}
