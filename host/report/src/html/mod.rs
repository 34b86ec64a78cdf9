//! The report of a run: one page that needs no network, and each figure as SVG with its values as CSV.
//!
//! Everything is made from the files of the run. Curves and sample fields, which no score depends on, are left out if they are not
//! there. The same run gives the same bytes.

mod environment;
mod lead;
mod page;
mod page_state;
mod parameters;
mod protocol;
mod sections;
mod table;

pub(crate) use page::{TABLE_SCRIPT, head};
pub use page_state::PageState;

use std::path::{Path, PathBuf};

use physrep_records::{RunManifest, RunResults, files};

use crate::{
    error::{Error, Result},
    figures::Figure,
    leaderboard::Leaderboard,
};

/// The files of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFiles {
    /// The page, `report.html`.
    pub page: PathBuf,
    /// The number of figures in the folder `figures` beside it.
    pub figures: usize,
}

/// Writes the report of the run in folder `run`, whose results are `results`: `report.html` into `out`, and `figures/NAME.svg` and
/// `figures/NAME.csv` beside it.
///
/// # Errors
///
/// [`Error::Usage`] if the run has no cells; [`Error::Records`] if its manifest cannot be read or a file cannot be written; [`Error::Png`]
/// and [`Error::Csv`] if a figure cannot be encoded.
pub fn write_report(run: &Path, results: &RunResults, out: &Path, state: PageState) -> Result<ReportFiles> {
    let manifest = RunManifest::read(run)?;
    let leaderboard = Leaderboard::of(results)
        .ok_or_else(|| Error::Usage(format!("{}: expected a run with cells; found none to report", run.display())))?;
    let (html, figures) = render(run, &manifest, &leaderboard, state)?;
    for figure in &figures {
        let folder = out.join("figures");
        files::write(&folder.join(format!("{}.svg", figure.name)), figure.svg().as_bytes())?;
        files::write(&folder.join(format!("{}.csv", figure.name)), &figure.csv()?)?;
    }
    let page = out.join("report.html");
    files::write(&page, html.as_bytes())?;
    Ok(ReportFiles { page, figures: figures.len() })
}

/// The page, and the figures on it.
fn render(
    folder: &Path,
    manifest: &RunManifest,
    leaderboard: &Leaderboard<'_>,
    state: PageState,
) -> Result<(String, Vec<Figure>)> {
    let mut figures = Vec::new();
    let sections = sections::all(&sections::Run { folder, manifest, leaderboard }, &mut figures)?;
    Ok((page::render(leaderboard.suite, &lead::lead(leaderboard, state), &sections, state), figures))
}
