//! `physrep-bench merge`: the runs of several machines as one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    Error, Result,
    cell::Outcome,
    files,
    plan::{Plan, Planned},
    result::CellResult,
    standings::Standings,
};

/// What to join.
#[derive(Clone, Debug, Args)]
pub struct Merge {
    /// The folder of the joined run; it must not exist, or be empty.
    out: PathBuf,
    /// The folders of the runs.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
}

/// Copies the records of all cells into one folder with one plan. Where several runs have a cell, a result goes before a failure,
/// and results must have the same scores.
pub fn run(merge: &Merge) -> Result<()> {
    let Merge { out, runs } = merge;
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::Usage(format!("{}: expected a folder that is new or empty", out.display())));
    }
    let mut merged: Vec<(Planned, PathBuf, Outcome)> = Vec::new();
    for run in runs {
        for planned in Plan::read(run)?.cells {
            let outcome = planned.folder(run).outcome()?;
            match merged.iter_mut().find(|(known, ..)| known.identity == planned.identity) {
                None => merged.push((planned, run.clone(), outcome)),
                Some((known, from, before)) => match (before.result(), outcome.result()) {
                    (Some(one), Some(other)) if one.readings != other.readings => {
                        return Err(Error::Usage(format!(
                            "{} and {} are of the same cell with different scores; merge one of the two runs alone",
                            known.folder(from).result().display(),
                            planned.folder(run).result().display()
                        )));
                    }
                    (None, Some(_)) => (*from, *before) = (run.clone(), outcome),
                    (None, None) if matches!(before, Outcome::Missing) => (*from, *before) = (run.clone(), outcome),
                    _ => {}
                },
            }
        }
    }
    refuse_other_settings(&merged)?;
    for (planned, from, _) in &merged {
        let (source, target) = (planned.folder(from), planned.folder(out));
        let files = [(source.result(), target.result()), (source.failure(), target.failure())];
        // A cell that is done may have failed before.
        for (source, target) in files.into_iter().filter(|(source, _)| source.is_file()).take(1) {
            files::write(&target, &files::read(&source)?)?;
        }
        copy_curves(planned, from, out)?;
    }
    let mut plan = Plan { cells: merged.into_iter().map(|(planned, ..)| planned).collect() };
    plan.sort();
    // What cannot stand in one table is found before there is a plan, without which the folder is no run.
    Standings::of(&plan, out)?;
    plan.write(out)?;
    println!("{}: {} cells of {} runs", out.display(), plan.cells.len(), runs.len());
    Ok(())
}

/// Copies a cell's description and the curves of its pretraining, for the report, where they are there.
fn copy_curves(planned: &Planned, from: &Path, out: &Path) -> Result<()> {
    let Some(cell) = planned.cell(from) else {
        return Ok(());
    };
    let files = [
        (planned.folder(from).spec(), planned.folder(out).spec()),
        (cell.pretraining(from).curves(), cell.pretraining(out).curves()),
    ];
    for (source, target) in files.into_iter().filter(|(source, _)| source.is_file()) {
        files::write(&target, &files::read(&source)?)?;
    }
    Ok(())
}

/// Seeds of one row that were run under different configurations are not repeats of one another.
fn refuse_other_settings(merged: &[(Planned, PathBuf, Outcome)]) -> Result<()> {
    let results: Vec<&CellResult> = merged.iter().filter_map(|(_, _, outcome)| outcome.result()).collect();
    for (index, one) in results.iter().enumerate() {
        let row = |result: &CellResult| {
            let cell = &result.identity;
            (cell.system.clone(), cell.method.clone(), cell.initialisation)
        };
        let same_row = |other: &&&CellResult| row(other) == row(one);
        if let Some(other) = results[index + 1..].iter().find(|o| same_row(o) && o.recipe.config != one.recipe.config) {
            return Err(Error::Usage(format!(
                "{} on {}: seed {} was run with the configuration {}, seed {} with {}; give one of them a name of its own",
                one.identity.method,
                one.identity.system,
                one.identity.seed,
                one.recipe.config,
                other.identity.seed,
                other.recipe.config
            )));
        }
    }
    Ok(())
}
