//! The leaderboard of published runs: one page over suites, their versions and draws, from records alone.

mod entry;
mod page;

use std::{
    fs,
    path::{Path, PathBuf},
};

use physrep_records::{Error as RecordsError, RunResults, files};

use crate::{
    error::{Error, Result},
    leaderboard::Leaderboard,
};

/// A published run.
struct Published {
    /// The name of its folder, beside the page.
    folder: String,
    results: RunResults,
}

/// Writes the page of all runs in the folders directly in `results` to `leaderboard.html` there. Returns its path, and the number of runs.
///
/// # Errors
///
/// [`Error::Records`] if a folder cannot be read, a record is damaged, or the page cannot be written; [`Error::Usage`] if there is no run.
pub fn write_leaderboard(results: &Path) -> Result<(PathBuf, usize)> {
    let published = published(results)?;
    if published.is_empty() {
        let reason = "expected folders with a run.json, as `physrep-bench submit` writes them; found none";
        return Err(Error::Usage(format!("{}: {reason}", results.display())));
    }
    let mut entries = Vec::new();
    for run in &published {
        if let Some(leaderboard) = Leaderboard::of(&run.results) {
            entries.extend(entry::of(&leaderboard, &run.folder, results));
        }
    }
    let path = results.join("leaderboard.html");
    files::write(&path, page::render(&entry::with_fresh_draws(entries)).as_bytes())?;
    Ok((path, published.len()))
}

/// The runs in the folders directly in `results`, in order of their names.
fn published(results: &Path) -> Result<Vec<Published>> {
    let failed = |source| RecordsError::Io { path: results.to_owned(), source };
    let entries = fs::read_dir(results).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut folders: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    folders.retain(|folder| folder.join("run.json").is_file());
    folders.sort();
    let read = |path: PathBuf| {
        let folder = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Published { folder, results: RunResults::read(&path)? })
    };
    folders.into_iter().map(read).collect()
}
