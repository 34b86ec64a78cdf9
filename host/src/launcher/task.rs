//! A task of a run.

use super::stage::Stage;
use crate::shell;

/// A task: commands for one process after the other on one machine.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its stage.
    pub stage: Stage,
    /// Its name in its stage: a system, or the label of a cell.
    pub name: String,
    /// Its commands, as the words of each. The next one begins if the one before has succeeded.
    pub commands: Vec<Vec<String>>,
    /// Whether there is nothing to do.
    pub is_done: bool,
    /// How long it may take, in seconds, if cells of this kind have been run before.
    pub seconds: Option<f64>,
    /// How many windows it pretrains on.
    pub windows: u64,
}

impl Task {
    /// Its line for a shell.
    pub fn line(&self) -> String {
        let commands: Vec<String> = self.commands.iter().map(|words| shell::line(words)).collect();
        commands.join(" && ")
    }
}
