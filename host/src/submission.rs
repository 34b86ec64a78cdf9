//! Folders of published results: what they hold beside the records, and what is checked of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use physrep_benchmarks::suite::Suite;
use physrep_records::{CellOutcome, CellRecord, Initialisation, RunResults, SuiteFacts};

use crate::error::{Error, Result};

/// What stands in a new card where its author is to describe the method.
const PLACEHOLDER: &str = "TO BE WRITTEN";

/// The methods that come with this program, which have pages.
const BUNDLED: [&str; 5] = ["autoencoder", "disco", "jepa", "mpp", "videomae"];

/// The folder of the cards.
pub const CARDS: &str = "methods";

/// Checks every run in the folders directly in `results`.
///
/// # Errors
///
/// Those of [`check`].
pub fn check_all(results: &Path) -> Result<()> {
    let entries = fs::read_dir(results).map_err(Error::io(results))?;
    let mut folders =
        entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>().map_err(Error::io(results))?;
    folders.retain(|folder| folder.join("run.json").is_file());
    folders.sort();
    folders.iter().try_for_each(|folder| check(folder))
}

/// Checks the published run in `folder`: its records are what was written, of one suite that this program has and that nobody has
/// changed; all its cells were run; each method has a page.
///
/// # Errors
///
/// If any of this does not hold: what was expected, and what there is.
pub fn check(folder: &Path) -> Result<()> {
    let results = RunResults::read(folder)?;
    check_finished(folder, &results)?;
    check_suite(folder, &results)?;
    for method in methods(&results) {
        let card = folder.join(CARDS).join(format!("{method}.md"));
        let text = match fs::read_to_string(&card) {
            Err(_) if page_of_bundled(folder, &method).is_file() => continue,
            text => text.map_err(Error::io(&card))?,
        };
        if text.contains(PLACEHOLDER) {
            let reason = format!("expected a description of the method; found {PLACEHOLDER:?} where it belongs");
            return Err(Error::file(card, reason));
        }
    }
    Ok(())
}

/// The page of a bundled method, for results in a checkout.
fn page_of_bundled(folder: &Path, method: &str) -> PathBuf {
    folder.join("../../plugins").join(method).join("README.md")
}

/// Checks that all cells of a run were run, perhaps in vain.
///
/// # Errors
///
/// If some were not.
pub fn check_finished(run: &Path, results: &RunResults) -> Result<()> {
    let waiting = results.cells.iter().filter(|cell| matches!(cell.outcome, CellOutcome::Missing)).count();
    match waiting {
        0 => Ok(()),
        _ => Err(Error::Usage(format!(
            "{}: {waiting} of {} cells were not run; run the same command again, and then submit",
            run.display(),
            results.cells.len()
        ))),
    }
}

/// Checks that a run is of a suite that this program has, in the version that it has, unchanged. Of older versions, only the name is
/// known.
///
/// # Errors
///
/// If it is not.
pub fn check_suite(run: &Path, results: &RunResults) -> Result<()> {
    for cell in &results.cells {
        let found = &cell.identity.suite;
        let Ok(suite) = Suite::load(&found.name) else {
            let known = Suite::names().collect::<Vec<_>>().join(", ");
            return Err(Error::Usage(format!(
                "{}: expected results of a suite that everybody has ({known}); found those of `{}`",
                run.display(),
                found.name
            )));
        };
        let expected = SuiteFacts::of(&Suite { draw: found.draw, ..suite }, &cell.identity.system);
        if found.version >= expected.version && *found != expected {
            return Err(Error::Usage(format!(
                "{}: expected {expected} ({}) on {}; found {found} ({}): a suite that was changed needs a name of its own, and its results do \
                 not compare",
                run.display(),
                expected.checksum,
                cell.identity.system,
                found.checksum
            )));
        }
    }
    Ok(())
}

/// The methods of a run, without floors.
pub fn methods(results: &RunResults) -> Vec<String> {
    let mut methods: Vec<String> = Vec::new();
    for cell in &results.cells {
        if cell.identity.initialisation != Initialisation::None && !methods.contains(&cell.identity.method) {
            methods.push(cell.identity.method.clone());
        }
    }
    methods
}

/// The card of a method, of which its author is to write the first paragraph: what its records say of it.
pub fn card(method: &str, results: &RunResults) -> String {
    let records = results.cells.iter().filter_map(|cell| cell.record());
    let records: Vec<&CellRecord> = records.filter(|record| record.identity.method == method).collect();
    let description = match BUNDLED.contains(&method) {
        true => format!("One of the methods that come with physrep-bench, in `plugins/{method}`."),
        false => format!(
            "{PLACEHOLDER}: what the method is and what it is trained to do; where its paper and its code are; who sends it."
        ),
    };
    let mut text = format!("# {method}\n\n{description}\n\n");
    let Some(record) = records.first() else { return text };
    text += "| | |\n|---|---|\n";
    let mut line = |what: &str, value: String| {
        let value = value.replace('|', "\\|").replace(['\n', '\r'], " ");
        text.push_str(&format!("| {what} | {value} |\n"));
    };
    line("suite", record.identity.suite.to_string());
    if let Some(encoder) = &record.encoder {
        line(
            "encoder",
            format!("{} parameters, {} tokens of {} values", encoder.encoder_parameters, encoder.tokens, encoder.dim),
        );
        line("version", encoder.method_version.clone().unwrap_or("not known".into()));
        line("revision", encoder.method_revision.clone().unwrap_or("not known".into()));
        let program = encoder.program.as_ref().map(|program| format!("a program of its own, `{}`", program.command));
        line("ran as", program.unwrap_or("a library".into()));
    }
    if let Some(elsewhere) = &record.elsewhere {
        line("embeddings", format!("made elsewhere, {} tokens of {} values", elsewhere.tokens, elsewhere.dim));
        line("made of", elsewhere.about.clone().unwrap_or("not said".into()));
    }
    line("configuration", format!("`{}`", record.recipe.config));
    let trials = record.recipe.tuning_trials.map(|trials| trials.to_string());
    line("tuning trials", trials.unwrap_or("not tuned by the trials that are the same for all".into()));
    line("device", format!("{}, {}", record.environment.device, record.environment.cpu));
    line("confined by", if record.sandbox.is_empty() { "nothing".into() } else { record.sandbox.join("; ") });
    text
}
