//! `physrep-bench merge`: merges runs from several machines into one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use physrep_records::{
    CellOutcome, CellRecord, Initialisation, ManifestCell, RunManifest, RunResults, SampleFields, check_suites, files,
};

use crate::{
    error::{Error, Result},
    output::say,
    whole_folder::make_whole,
};

/// What to merge.
#[derive(Debug, Args)]
pub struct Merge {
    /// The folder of the merged run; it must not exist, or be empty.
    out: PathBuf,
    /// The folders of the runs.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// For a repository: compress records, as `result.json.gz`, and leave out curves and paths. Every command reads them.
    #[arg(long)]
    compress: bool,
}

impl Merge {
    /// Merges the runs.
    pub fn run(self) -> Result<ExitCode> {
        let cells = merge(&self.out, &self.runs, self.compress)?;
        let out = self.out.display();
        say!("{out}: {cells} cells of {} runs; `physrep-bench table {out}` shows them", self.runs.len());
        Ok(ExitCode::SUCCESS)
    }
}

/// A cell, the run that it is taken from, and what came of it.
type MergedCell = (ManifestCell, PathBuf, CellOutcome);

/// Copies the records of all cells into one folder with one manifest, and returns the number of cells. If several runs have a cell, a
/// record takes precedence over a failure, and all records must have the same scores. Nothing is written if one table cannot hold them all.
pub(super) fn merge(out: &Path, runs: &[PathBuf], compress: bool) -> Result<usize> {
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::Usage(format!("{}: expected a folder that is new or empty", out.display())));
    }
    let mut merged: Vec<MergedCell> = Vec::new();
    for run in runs {
        for listed in RunManifest::read(run)?.cells {
            let outcome = listed.folder(run).outcome()?;
            match merged.iter_mut().find(|(known, ..)| known.identity == listed.identity) {
                None => merged.push((listed, run.clone(), outcome)),
                Some((known, from, before)) => match (before.record(), outcome.record()) {
                    (Some(one), Some(other)) if one.scores != other.scores => {
                        return Err(Error::Usage(format!(
                            "{} and {} are of the same cell with different scores; merge one of the two runs alone",
                            known.folder(from).path().display(),
                            listed.folder(run).path().display()
                        )));
                    }
                    (None, Some(_)) => (*from, *before) = (run.clone(), outcome),
                    (None, None) if matches!(before, CellOutcome::Missing) => (*from, *before) = (run.clone(), outcome),
                    _ => {}
                },
            }
        }
    }
    check_suites(out, merged.iter().map(|(listed, ..)| &listed.identity))?;
    refuse_other_settings(&merged)?;
    refuse_other_embeddings(&merged)?;
    make_whole(out, || write(out, runs, merged, compress))
}

/// Writes the merged run, and returns the number of cells.
fn write(out: &Path, runs: &[PathBuf], merged: Vec<MergedCell>, compress: bool) -> Result<usize> {
    copy_samples(runs, out, &merged)?;
    for (listed, from, _) in &merged {
        let (source, target) = (listed.folder(from), listed.folder(out));
        // A cell that is done may have failed before.
        match source.found_record() {
            Some(record) if compress => {
                files::write(&target.compressed_record(), &files::compress(&files::read(&record)?))?;
            }
            Some(record) => files::write(&target.record(), &files::read(&record)?)?,
            None if source.failure().is_file() => files::write(&target.failure(), &files::read(&source.failure())?)?,
            None => {}
        }
        // A description has paths of the machine that it was planned on.
        if !compress {
            copy_curves(listed, from, out)?;
        }
    }
    let mut manifest = RunManifest { cells: merged.into_iter().map(|(listed, ..)| listed).collect() };
    manifest.sort();
    // Read the records back before writing the manifest, which makes the folder a run.
    RunResults::of(&manifest, out)?;
    manifest.write(out)?;
    Ok(manifest.cells.len())
}

/// Copies a cell's description and the curves of its pretraining, for the report, if they exist.
fn copy_curves(listed: &ManifestCell, from: &Path, out: &Path) -> Result<()> {
    let Some(cell) = listed.cell(from) else {
        return Ok(());
    };
    let files = [
        (listed.folder(from).spec(), listed.folder(out).spec()),
        (cell.pretraining(from).curves(), cell.pretraining(out).curves()),
    ];
    for (source, target) in files.into_iter().filter(|(source, _)| source.is_file()) {
        files::write(&target, &files::read(&source)?)?;
    }
    Ok(())
}

/// Copies the sample fields of each system from the first run that has them, for the report.
fn copy_samples(runs: &[PathBuf], out: &Path, merged: &[MergedCell]) -> Result<()> {
    for (listed, ..) in merged {
        let system = &listed.identity.system;
        let target = SampleFields::file(out, system);
        let source = runs.iter().map(|run| SampleFields::file(run, system)).find(|file| file.is_file());
        if let Some(source) = source.filter(|_| !target.is_file()) {
            files::write(&target, &files::read(&source)?)?;
        }
    }
    Ok(())
}

/// Refuses two sets of embeddings made elsewhere for one seed of a row, which are not repetitions of each other.
fn refuse_other_embeddings(merged: &[MergedCell]) -> Result<()> {
    let elsewhere = |(cell, ..): &&MergedCell| cell.identity.initialisation == Initialisation::Elsewhere;
    let mut seen: Vec<(&str, &str, u64)> = Vec::new();
    for (cell, ..) in merged.iter().filter(elsewhere) {
        let identity = &cell.identity;
        let place = (identity.system.as_str(), identity.method.as_str(), identity.seed);
        if seen.contains(&place) {
            return Err(Error::Usage(format!(
                "{} (elsewhere) on {}, seed {}: the runs have embeddings that differ; score one of them with another --name or --seed",
                identity.method, identity.system, identity.seed
            )));
        }
        seen.push(place);
    }
    Ok(())
}

/// Refuses seeds of one row with different configurations, which are not repetitions of each other.
fn refuse_other_settings(merged: &[MergedCell]) -> Result<()> {
    let results: Vec<&CellRecord> = merged.iter().filter_map(|(_, _, outcome)| outcome.record()).collect();
    for (index, one) in results.iter().enumerate() {
        let row = |result: &CellRecord| {
            let cell = &result.identity;
            (cell.system.clone(), cell.method.clone(), cell.initialisation)
        };
        let same_row = |other: &&&CellRecord| row(other) == row(one);
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
