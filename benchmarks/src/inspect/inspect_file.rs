//! Inspects one file.

use std::fs;
use std::path::Path;

use super::findings::Findings;
use super::report::Report;
use super::{packed_file, well_file};
use crate::Result;
use crate::error::IoContext;
use crate::packed::is_packed;
use crate::progress::Progress;

/// Inspects one file of The Well or packed file; its first bytes tell which.
///
/// With `values`, all values are read, a piece at a time, which takes as long as reading the file. Progress counts
/// frames.
///
/// # Errors
/// [`Error::Stopped`](crate::Error::Stopped) if `progress` asked for it. Defects of the file are in
/// the report.
pub fn inspect_file(path: &Path, values: bool, progress: &dyn Progress) -> Result<Report> {
    let mut findings = Findings::default();
    let bytes = findings.keep(fs::metadata(path).at("read", path)).map_or(0, |found| found.len());
    let contents = if findings.errors > 0 {
        None
    } else if path.is_file() && is_packed(path).unwrap_or(false) {
        packed_file::inspect(path, values, &mut findings, progress)?
    } else {
        well_file::inspect(path, bytes, values, &mut findings, progress)?
    };
    Ok(Report { bytes, contents, findings })
}
