//! Tasks as shell commands, one a line, in an order in which one after the other can run; for GNU parallel or any other engine.

use std::fmt::Write as _;

use super::{stage::Stage, task::Task};
use crate::display::seconds;

/// The lines of `tasks`, or of one stage of them: a command for each task, a comment for each that is done.
pub fn commands(tasks: &[Task], only: &[Stage]) -> String {
    let mut text = String::new();
    for stage in Stage::ALL.into_iter().filter(|stage| only.is_empty() || only.contains(stage)) {
        let of_stage: Vec<&Task> = tasks.iter().filter(|task| task.stage == stage).collect();
        if of_stage.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}", heading(stage, &of_stage));
        for task in of_stage {
            let cost = match (task.seconds, task.windows) {
                (Some(time), _) => format!("  # about {}", seconds(time)),
                (None, 0) => String::new(),
                (None, windows) => format!("  # pretrains on {windows} windows"),
            };
            let _ = match task.is_done {
                true => writeln!(text, "# done: {}", task.name),
                false => writeln!(text, "{}{cost}", task.line()),
            };
        }
    }
    text
}

/// What a stage waits for, and what is left of it.
fn heading(stage: Stage, tasks: &[&Task]) -> String {
    let missing: Vec<_> = tasks.iter().filter(|task| !task.is_done).collect();
    let before: Vec<&str> = stage.needs().iter().chain(stage.follows()).map(|stage| stage.name()).collect();
    let after = if before.is_empty() { String::new() } else { format!(", after {}", before.join(", ")) };
    let known: Vec<f64> = missing.iter().filter_map(|task| task.seconds).collect();
    let cost = match (known.len(), missing.len()) {
        (0, 0) => String::new(),
        (0, _) => "; time unknown: no such task has been run here".into(),
        (some, all) if some == all => format!("; about {} in all", seconds(known.iter().sum())),
        (some, all) => {
            format!("; about {} for {some} of them, unknown for {}", seconds(known.iter().sum()), all - some)
        }
    };
    format!("# {}{after}: {} of {} to run{cost}", stage.name(), missing.len(), tasks.len())
}
