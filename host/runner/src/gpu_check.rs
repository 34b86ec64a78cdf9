//! Whether a GPU still works: asked in a process of its own, because a broken one may hang or crash whoever asks.

use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::{
    child::this_program,
    device::{VISIBLE, open_context},
    error::{Error, Result},
    process_group::{self, POLL},
};

/// How long a GPU may take to answer: much longer than one that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the GPU with this name for [`VISIBLE`] does not work; none if it does.
pub(crate) fn gpu_fault(name: &str) -> Option<String> {
    let started = this_program().and_then(|mut command| {
        process_group::of_its_own(&mut command);
        command.arg("gpu-one").env(VISIBLE, name);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    });
    let mut process = match started {
        Ok(process) => process,
        // That says nothing about the GPU.
        Err(_) => return None,
    };
    let asked = Instant::now();
    while asked.elapsed() < PATIENCE {
        if process_group::has_ended(&mut process).unwrap_or(true) {
            return match process.wait() {
                Ok(status) if status.success() => None,
                Ok(status) => Some(format!("a process cannot open it ({status})")),
                Err(_) => None,
            };
        }
        thread::sleep(POLL);
    }
    process_group::kill(&mut process);
    let _ = process.wait();
    Some(format!("it gave no answer for {} s", PATIENCE.as_secs()))
}

/// Opens the first GPU that this process sees, and waits for it.
///
/// # Errors
///
/// If it does not work.
pub fn check_gpu_in_this_process() -> Result<()> {
    open_context(0).map_err(Error::Device)
}
