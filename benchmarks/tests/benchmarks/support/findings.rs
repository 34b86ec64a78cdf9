//! What an inspection finds.

use std::path::Path;

use physrep_benchmarks::inspect::{Findings, Report, Severity, inspect_file};

/// The report on a file, with its values.
pub fn inspected(path: &Path) -> Report {
    inspect_file(path, true, &()).unwrap()
}

/// The findings of one severity, one line per finding.
pub fn lines(findings: &Findings, severity: Severity) -> Vec<String> {
    findings.listed.iter().filter(|f| f.severity == severity).map(|f| f.to_string()).collect()
}
