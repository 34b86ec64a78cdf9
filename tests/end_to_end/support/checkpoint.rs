//! Checkpoints of an unfinished pretraining, and runs that are killed at one.

use std::{fs, path::Path};

use serde_json::Value;

use super::{Running, TestProject, files_below, wait_until};

/// Starts the program and kills it, with the processes that it has started, once it has written a checkpoint under `folder` with more
/// steps than there were at its start. Gives the step of that checkpoint, or `None` if the program ended first.
pub fn kill_at_next_checkpoint(project: &TestProject, arguments: &[String], folder: &str) -> Option<u64> {
    let folder = project.path(folder);
    let before = step(&folder).unwrap_or(0);
    let mut program = Running::start(project.command(arguments));
    let mut later = None;
    wait_until("a later checkpoint", || {
        later = step(&folder).filter(|&step| step > before);
        later.is_some() || program.has_ended()
    });
    program.kill();
    later
}

/// The step of the checkpoint under `folder`, if there is one.
fn step(folder: &Path) -> Option<u64> {
    let (_, file) = files_below(folder).into_iter().find(|(path, _)| path.ends_with("checkpoint.bin"))?;
    let header = checkpoint_header(&fs::read(file).ok()?);
    Some(header["step"].as_u64().unwrap_or_else(|| panic!("the header of a checkpoint has a step: {header}")))
}

/// The header of a checkpoint: 8 bytes of magic, 32 of a digest, the header's length as a little-endian u64, then the header as JSON.
pub fn checkpoint_header(checkpoint: &[u8]) -> Value {
    let length = checkpoint[40..48].try_into().map(u64::from_le_bytes).expect("8 bytes");
    serde_json::from_slice(&checkpoint[48..48 + length as usize]).expect("the header of a checkpoint is JSON")
}
