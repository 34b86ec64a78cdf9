//! `physrep-bench check`: whether a method keeps to its contract.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use physrep_benchmarks::suite::Suite;
use physrep_records::Device;
use physrep_runner::{
    CHECKS, Check as ContractCheck, CheckSettings, CheckedMethod, Outcome, WORKS, check_in_this_process, cores,
    interrupt, of_method, parse_overrides, plugin_sources, suite_shapes,
};
use serde_json::json;

use crate::{
    arguments::{duration, starter_for},
    error::{Error, Result},
    output::{note, say},
};

/// The width of the column of names.
const NAMES: usize = 24;

/// What to check.
#[derive(Debug, Args)]
pub struct Check {
    /// The method: the folder of its crate or of its program, or its library.
    path: PathBuf,
    /// Suites whose shapes are tried, separated by commas; most checks use the settings that the first has for the method.
    #[arg(long, value_delimiter = ',', default_value = "tiny,first")]
    suites: Vec<String>,
    /// Override one key of the method's configuration, such as jepa.training.lr=1e-3.
    #[arg(long, value_name = "METHOD.KEY=VALUE")]
    set: Vec<String>,
    /// Only these checks, separated by commas.
    #[arg(long, value_delimiter = ',', conflicts_with = "quick")]
    only: Vec<String>,
    /// Only the checks that take a second at most.
    #[arg(long)]
    quick: bool,
    /// Print JSON: an object with an array of checks.
    #[arg(long)]
    json: bool,
    /// Threads of the method's process [default: all cores].
    #[arg(long)]
    threads: Option<usize>,
    /// Seconds that one check may take.
    #[arg(long, default_value_t = 120.0, value_name = "SECONDS")]
    time: f64,
}

/// One check, in this process; started by [`Check`].
#[derive(Debug, Args)]
pub struct CheckOne {
    /// The task, as JSON.
    task: String,
}

impl CheckOne {
    /// Checks.
    pub fn run(self) -> Result<ExitCode> {
        check_in_this_process(&self.task)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Check {
    /// Runs the checks one after the other; exits with 1 if one fails.
    pub fn run(self) -> Result<ExitCode> {
        interrupt::install_signal_handlers()?;
        let checks = self.checks()?;
        let (name, method) = self.method()?;
        if !self.json {
            say!("{name}: {} checks", checks.len());
        }
        let clock = Instant::now();
        let mut outcomes = Vec::new();
        let mut works = true;
        for check in checks {
            let outcome = match works {
                true => method.run(check)?,
                false => Outcome::Skipped("the method does not work: see above".into()),
            };
            works &= check.name != WORKS || !matches!(outcome, Outcome::Failed(_));
            if !self.json {
                print(check, &outcome, &method);
            }
            outcomes.push((check, outcome));
        }
        let count = |kind: fn(&Outcome) -> bool| outcomes.iter().filter(|(_, outcome)| kind(outcome)).count();
        let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
        if self.json {
            let report = json!({
                "method": name,
                "checks": outcomes.iter().map(|(check, outcome)| entry(check, outcome, &method)).collect::<Vec<_>>(),
            });
            say!("{}", serde_json::to_string_pretty(&report).expect("a report is plain JSON"));
        } else {
            let passed = count(|outcome| matches!(outcome, Outcome::Passed(_)));
            let skipped = outcomes.len() - passed - failed;
            let took = clock.elapsed().as_secs_f64();
            say!("{passed} passed, {failed} failed, {skipped} skipped in {took:.0} s");
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn checks(&self) -> Result<Vec<&'static ContractCheck>> {
        if let Some(unknown) = self.only.iter().find(|name| !CHECKS.iter().any(|check| check.name == **name)) {
            let names = CHECKS.iter().map(|check| check.name).collect::<Vec<_>>().join(", ");
            return Err(Error::Usage(format!("--only {unknown}: there is no such check; there are {names}")));
        }
        let selected = |check: &&ContractCheck| match self.only.is_empty() {
            true => !self.quick || check.quick,
            false => self.only.iter().any(|name| name == check.name),
        };
        Ok(CHECKS.iter().filter(selected).collect())
    }

    /// The method's name, and the method; a stale crate is built first.
    fn method(&self) -> Result<(String, CheckedMethod)> {
        let mut paths = vec![self.path.clone()];
        if !self.path.exists() {
            return Err(Error::Usage(format!("{}: no such folder or library", self.path.display())));
        }
        paths.extend(starter_for(&paths)?);
        let sources = plugin_sources(&paths)?;
        let [source] = sources.as_slice() else {
            return Err(Error::Usage(format!(
                "{} holds {} methods; name the folder or the library of one",
                self.path.display(),
                sources.len()
            )));
        };
        let library = source.describe(Device::Cpu, &|line| note!("{line}"))?;
        let name = library.name().to_owned();
        if let Some(other) = self.set.iter().find(|setting| of_method(std::slice::from_ref(*setting), &name).is_empty())
        {
            return Err(Error::Usage(format!("--set {other}: expected METHOD.KEY=VALUE of the method {name}")));
        }
        let (mut shapes, mut usual) = (Vec::new(), None);
        for suite in &self.suites {
            let suite = Suite::load(suite)?;
            let config = parse_overrides(suite.methods.get(&name), of_method(&self.set, &name))?;
            shapes.extend(suite_shapes(&suite, &config));
            usual.get_or_insert(config);
        }
        let settings = CheckSettings {
            threads: self.threads.unwrap_or_else(cores),
            time: duration("--time", self.time).map(|time| time.max(Duration::from_secs(1)))?,
        };
        Ok((name, CheckedMethod::new(library, usual.unwrap_or_else(|| json!({})), shapes, settings)))
    }
}

/// A check and its outcome as JSON.
fn entry(check: &ContractCheck, outcome: &Outcome, method: &CheckedMethod) -> serde_json::Value {
    let mut entry = json!(check);
    entry["mend"] = json!(method.mend(check));
    if let (Some(entry), serde_json::Value::Object(outcome)) = (entry.as_object_mut(), json!(outcome)) {
        entry.extend(outcome);
    }
    entry
}

fn print(check: &ContractCheck, outcome: &Outcome, method: &CheckedMethod) {
    let name = check.name;
    match outcome {
        Outcome::Passed(detail) => say!("ok    {}", format!("{name:NAMES$} {detail}").trim_end()),
        Outcome::Skipped(why) => say!("skip  {name:NAMES$} {why}"),
        Outcome::Failed(found) => {
            say!("FAIL  {name:NAMES$} {found}");
            say!("      {:NAMES$} expected: {}", "", check.what);
            say!("      {:NAMES$} why: {}", "", check.why);
            say!("      {:NAMES$} mend: {}", "", method.mend(check));
        }
    }
}
