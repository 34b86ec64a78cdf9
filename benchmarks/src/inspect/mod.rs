//! Says what data is, and whether it is sound.
//!
//! A path [is](target::find) a single file, a data set, or several. Each file is [inspected](inspect) by itself, so that a
//! caller may do so in a process apart: HDF5 is not proof against every damage. What only shows across the files of a
//! data set is [checked](dataset::check) on their reports.

pub mod dataset;
pub mod findings;
mod generated;
mod packed;
pub mod report;
mod scan;
mod statistics;
mod structure;
pub mod target;
mod well;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::Result;
use crate::error::IoContext;
use crate::packed::MAGIC;
use crate::progress::Progress;

pub use findings::{Finding, Findings, Severity};
pub use report::{Contents, Report};

/// Inspects one file of The Well or packed file; its first bytes tell which.
///
/// With `values`, all values are read, a piece at a time: that takes as long as reading the file. Progress counts frames.
///
/// # Errors
/// [`Error::Stopped`](crate::Error::Stopped) if `progress` asked for it. Whatever is wrong with the file is in the report.
pub fn inspect(path: &Path, values: bool, progress: &dyn Progress) -> Result<Report> {
    let mut findings = Findings::default();
    let bytes = findings.keep(fs::metadata(path).at("read", path)).map_or(0, |found| found.len());
    let contents = if findings.errors > 0 {
        None
    } else if is_packed(path) {
        packed::inspect(path, values, &mut findings, progress)?
    } else {
        well::inspect(path, bytes, values, &mut findings, progress)?
    };
    Ok(Report { bytes, contents, findings })
}

/// Whether a regular file begins as packed files do.
fn is_packed(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    path.is_file() && File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok()) && start == *MAGIC
}
