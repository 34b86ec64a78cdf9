//! Checks whether a method keeps to its contract. Each check runs in a child process with a time limit, which starts confined processes of
//! the method, so a method that crashes or hangs fails the check and nothing else.

mod confined;
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

pub use shapes::suite_shapes;

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
    check: String,
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

    /// Runs a check.
    ///
    /// # Errors
    ///
    /// [`Error::Interrupted`]; or if the child cannot be started.
    pub fn run(&self, check: &Check) -> Result<Outcome> {
        let task = Task {
            check: check.name.to_owned(),
            code: self.library.code().clone(),
            description: self.library.description().clone(),
            setting: self.setting.clone(),
        };
        let mut log = tempfile::tempfile().map_err(Error::io(env::temp_dir()))?;
        let child = SupervisedChild::spawn(ChildSettings {
            arguments: vec!["check-one".into(), serde_json::to_string(&task).expect("a task is plain JSON").into()],
            threads: Some(self.settings.threads),
            stops_at_end_of_input: false,
            log: log.try_clone().map_err(Error::io(env::temp_dir()))?,
        })?;
        let (mut last, time) = (None, self.settings.time);
        let ended = child.watch(time, |outcome: Outcome| {
            last = Some(outcome);
            time
        });
        let ended = ended.map_err(Error::io("the process of a check"))?;
        interrupt::check()?;
        Ok(match last {
            Some(outcome) if ended.status.success() => outcome,
            _ if ended.stalled => Outcome::Failed(format!(
                "it did not end within {} s; a smaller configuration is faster (--set)",
                time.as_secs()
            )),
            _ => Outcome::Failed(format!("its process ended ({}){}", cause(ended.status), last_line(&mut log))),
        })
    }
}

/// Runs the check of a task, given as JSON, and sends its outcome. It runs in a child process.
///
/// # Errors
///
/// If the task is none, or nobody listens.
pub fn check_in_this_process(task: &str) -> Result<()> {
    begin_as_child()?;
    let task: Task = serde_json::from_str(task).map_err(|e| Error::Usage(format!("no task of a check: {e}")))?;
    let check = CHECKS.iter().find(|check| check.name == task.check);
    let check = check.ok_or_else(|| Error::Usage(format!("no check `{}`", task.check)))?;
    let method = ConfinedMethod::new(task.code, task.description);
    let outcome = match check.run(&method as &dyn Subject, &task.setting) {
        Outcome::Failed(found) => Outcome::Failed(plain(&found)),
        other => other,
    };
    messages::send(&outcome).map_err(Error::io("standard output"))
}
