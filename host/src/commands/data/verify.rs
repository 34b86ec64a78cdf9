//! `physrep-bench data verify`: checks data.

use std::{collections::HashSet, path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_benchmarks::inspect::{DataPath, Finding, Severity, check_data_set, find_data};

use super::{
    inspection::Limits,
    summary::Summary,
    text::{bytes, counted, path_line, print_line},
};
use crate::{display::Display, error::Result};

#[derive(Debug, Args)]
pub struct Verify {
    /// Files, folders of data sets, or folders of several.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    limits: Limits,
}

impl Verify {
    /// Prints a line per finding, then a summary. The exit code is 1 if there is an error.
    pub fn run(self) -> Result<ExitCode> {
        let display = Display::default();
        let mut tally = Tally::default();
        for path in &self.paths {
            match find_data(path) {
                Ok(targets) => {
                    targets.iter().try_for_each(|target| check(target, &self.limits, &display, &mut tally))?;
                }
                // The message names the path.
                Err(problem) => tally.print(Severity::Error, &problem.to_string()),
            }
        }
        print_line(&tally);
        Ok(if tally.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn check(target: &DataPath, limits: &Limits, display: &Display, tally: &mut Tally) -> Result<()> {
    let (task, paths) = Summary::files(target);
    let reports = limits.inspect(&paths, true, display, &task)?;
    display.clear(&task);
    let mut found = Vec::new();
    for path in &paths {
        let report = &reports[path];
        tally.files += 1;
        tally.bytes += report.bytes;
        tally.trajectories += report.contents.as_ref().map_or(0, |contents| contents.trajectories);
        found.extend(report.findings.listed.iter().map(|finding| (path.clone(), finding.clone())));
        match report.findings.unlisted() {
            0 => {}
            more => found.push((path.clone(), Finding::error("", format!("{} more", counted(more, "finding"))))),
        }
    }
    match target {
        DataPath::DataSet(set) => found.extend(check_data_set(set, &reports)),
        DataPath::File(path) => {
            let channels = reports[path].contents.iter().flat_map(|contents| &contents.channels);
            let constant = |name: &str| Finding::warning(name, "the same value everywhere in every frame");
            found.extend(channels.filter(|c| c.constant).map(|c| (path.clone(), constant(&c.name))));
        }
    }
    found.sort_by_key(|(_, finding)| finding.severity);
    tally.add(&found);
    Ok(())
}

/// The counts so far.
#[derive(Default)]
struct Tally {
    files: usize,
    trajectories: usize,
    bytes: u64,
    errors: usize,
    warnings: usize,
}

impl Tally {
    /// Prints findings, by file. A warning that several files share is printed once.
    fn add(&mut self, found: &[(PathBuf, Finding)]) {
        let mut printed: HashSet<&Finding> = HashSet::new();
        for (path, finding) in found {
            let line = |more: String| format!("{}: {finding}{more}", path_line(path));
            if finding.severity == Severity::Error {
                self.print(Severity::Error, &line(String::new()));
            } else if printed.insert(finding) {
                let others = found.iter().filter(|(_, other)| other == finding).count() - 1;
                let more =
                    if others > 0 { format!(" (and in {} more)", counted(others, "file")) } else { String::new() };
                self.print(Severity::Warning, &line(more));
            }
        }
    }

    fn print(&mut self, severity: Severity, line: &str) {
        match severity {
            Severity::Error => {
                self.errors += 1;
                print_line(format_args!("error: {line}"));
            }
            Severity::Warning => {
                self.warnings += 1;
                print_line(format_args!("warning: {line}"));
            }
        }
    }
}

/// `48 files, 240 trajectories, 1.2 GiB: sound`.
impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (files, trajectories) = (counted(self.files, "file"), counted(self.trajectories, "trajectory"));
        write!(f, "{files}, {trajectories}, {}: ", bytes(self.bytes))?;
        match (self.errors, self.warnings) {
            (0, 0) => f.write_str("sound"),
            (0, warnings) => write!(f, "sound, with {}", counted(warnings, "warning")),
            (errors, 0) => f.write_str(&counted(errors, "error")),
            (errors, warnings) => write!(f, "{}, {}", counted(errors, "error"), counted(warnings, "warning")),
        }
    }
}
