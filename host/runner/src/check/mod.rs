//! Checks whether a method keeps to its contract. Each check runs in a child process with a time limit, which starts confined processes of
//! the method, so a method that crashes or hangs fails the check and nothing else.

mod confined;
mod quick;
mod shapes;

use std::{env, time::Duration};

use physrep_conformance::{CHECKS, Check, Outcome, Setting, Subject};
use serde::{Deserialize, Serialize};

use crate::{
    child::{ChildSettings, SupervisedChild, begin_as_child, cause, last_line},
    error::{Error, Result, plain},
    interrupt, messages,
    plugin::{MethodCode, MethodLibrary},
};
use confined::ConfinedMethod;

pub use quick::QuickChecks;
pub use shapes::suite_shapes;

/// The check without which those after it say nothing new.
pub const WORKS: &str = "works";

/// The method that is checked, and how.
#[derive(Clone, Debug)]
pub struct CheckedMethod {
    library: MethodLibrary,
    setting: Setting,
    settings: CheckSettings,
}

/// How a method is checked.
#[derive(Clone, Copy, Debug)]
pub struct CheckSettings {
    /// Threads of the method's process.
    pub threads: usize,
    /// How long one check may take.
    pub time: Duration,
}

/// What a child is to try.
#[derive(Serialize, Deserialize)]
struct Task {
    checks: Vec<String>,
    code: MethodCode,
    description: serde_json::Value,
    setting: Setting,
}

impl CheckedMethod {
    /// The method of a library, with these keys of its configuration, on small clips and on those of `suites`.
    pub fn new(
        library: MethodLibrary,
        config: serde_json::Value,
        suites: Vec<physrep_conformance::SuiteShape>,
        settings: CheckSettings,
    ) -> Self {
        let mut setting = Setting::default();
        setting.spec.config = config;
        setting.spec.threads = settings.threads;
        setting.suites = suites;
        Self { library, setting, settings }
    }

    /// What to do if a check fails.
    pub fn mend(&self, check: &Check) -> &'static str {
        match self.library.code().folder {
            Some(_) => check.mend_program(),
            None => check.mend,
        }
    }

    /// Runs a check.
    ///
    /// # Errors
    ///
    /// [`Error::Interrupted`]; or if the child cannot be started.
    pub fn run(&self, check: &Check) -> Result<Outcome> {
        let mut outcomes = self.run_in_one_child(&[check])?;
        Ok(outcomes.pop().expect("an outcome for each check"))
    }

    /// Runs the checks that take a second at most, all in one child; gives those that fail, with what was found.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    pub fn failing_quick_checks(&self) -> Result<Vec<(&'static Check, String)>> {
        let checks: Vec<&Check> = CHECKS.iter().filter(|check| check.quick).collect();
        let outcomes = self.run_in_one_child(&checks)?;
        let failed = checks.into_iter().zip(outcomes).filter_map(|(check, outcome)| match outcome {
            Outcome::Failed(found) => Some((check, found)),
            Outcome::Passed(_) | Outcome::Skipped(_) => None,
        });
        Ok(failed.collect())
    }

    /// Runs checks in a child, one after the other; gives an outcome for each. The one during which the child ends has failed, and those
    /// after it are skipped.
    fn run_in_one_child(&self, checks: &[&Check]) -> Result<Vec<Outcome>> {
        let task = Task {
            checks: checks.iter().map(|check| check.name.to_owned()).collect(),
            code: self.library.code().clone(),
            description: self.library.description().clone(),
            setting: self.setting.clone(),
        };
        let mut log = tempfile::tempfile().map_err(Error::io(env::temp_dir()))?;
        let child = SupervisedChild::spawn(ChildSettings {
            arguments: vec!["check-one".into(), serde_json::to_string(&task).expect("a task is plain JSON").into()],
            threads: Some(self.settings.threads),
            stops_at_end_of_input: false,
            gpu: None,
            log: log.try_clone().map_err(Error::io(env::temp_dir()))?,
        })?;
        let (mut outcomes, time) = (Vec::new(), self.settings.time);
        let ended = child.watch(time, |outcome: Outcome| {
            outcomes.push(outcome);
            time
        });
        let ended = ended.map_err(Error::io("the process of a check"))?;
        interrupt::check()?;
        // A child that ends badly fails the last check that it has an outcome of, if it has all.
        outcomes.truncate(if ended.status.success() { checks.len() } else { checks.len() - 1 });
        if outcomes.len() < checks.len() {
            outcomes.push(Outcome::Failed(match ended.stalled {
                true => {
                    format!("it did not end within {} s; a smaller configuration is faster (--set)", time.as_secs())
                }
                false => format!("its process ended ({}){}", cause(ended.status), last_line(&mut log)),
            }));
        }
        outcomes.resize(checks.len(), Outcome::Skipped("the process of the checks ended before".into()));
        Ok(outcomes)
    }
}

/// Runs the checks of a task, given as JSON, and sends the outcome of each. It runs in a child process.
///
/// # Errors
///
/// If the task is none, or nobody listens.
pub fn check_in_this_process(task: &str) -> Result<()> {
    begin_as_child()?;
    let task: Task = serde_json::from_str(task).map_err(|e| Error::Usage(format!("no task of a check: {e}")))?;
    let method = ConfinedMethod::new(task.code, task.description);
    let mut works = true;
    for name in &task.checks {
        let check = CHECKS.iter().find(|check| check.name == name);
        let check = check.ok_or_else(|| Error::Usage(format!("no check `{name}`")))?;
        if !works {
            let why = Outcome::Skipped("the method does not work".into());
            messages::send(&why).map_err(Error::io("standard output"))?;
            continue;
        }
        let outcome = match check.run(&method as &dyn Subject, &task.setting) {
            Outcome::Failed(found) => Outcome::Failed(plain(&found)),
            other => other,
        };
        works &= check.name != WORKS || !matches!(outcome, Outcome::Failed(_));
        messages::send(&outcome).map_err(Error::io("standard output"))?;
    }
    Ok(())
}
