//! What ends a command that ran cells: the tables and the report in the run's folder, and the scores on the terminal.

use std::path::Path;

use physrep_records::{RunResults, files};
use physrep_report::{Form, PageState, terminal_summary, write_report};

use crate::{
    error::Result,
    output::{self, say},
};

/// Writes the tables of a run in all formats, and its report, into the run's folder; prints the scores and what was written. Gives the
/// results.
pub(super) fn show_results(run: &Path) -> Result<RunResults> {
    let results = RunResults::read(run)?;
    let written = write_results(&results, run)?;
    output::write_styled(terminal_summary(&results) + "\n");
    say!("written: {}", written.join(", "));
    Ok(results)
}

/// Writes the tables in all formats, and the report, into the run's folder; gives what was written.
pub(super) fn write_results(results: &RunResults, run: &Path) -> Result<Vec<String>> {
    let mut written = Vec::new();
    for (form, file) in Form::ALL.into_iter().filter_map(|form| Some((form, form.file()?))) {
        let path = run.join(file);
        files::write(&path, form.render(results)?.as_bytes())?;
        written.push(path);
    }
    written.push(write_report(run, results, &run.join("report"), PageState::Ended)?.page);
    Ok(written.iter().map(|path| path.display().to_string()).collect())
}
