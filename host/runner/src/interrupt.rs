//! Stopping on request: Ctrl-C or a termination signal for the program, the end of standard input for its child processes.
//!
//! Long loops check [`requested`] between steps, write a checkpoint, and return. A second signal ends the program at once.

use std::{
    io::{Read, stdin},
    ops::ControlFlow,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::error::{Error, Result};

/// The exit code of an interrupted program: 128 plus the number of SIGINT, as in shells.
pub const EXIT_CODE: u8 = 130;

fn request() -> &'static Arc<AtomicBool> {
    static REQUEST: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    REQUEST.get_or_init(Arc::default)
}

/// Whether this process is to stop.
pub fn requested() -> bool {
    request().load(Ordering::Relaxed)
}

/// Checks whether this process is to stop.
///
/// # Errors
///
/// [`Error::Interrupted`] if it is.
pub fn check() -> Result<()> {
    if requested() { Err(Error::Interrupted) } else { Ok(()) }
}

/// Whether work that reports its progress should continue, for its callback.
pub fn control_flow() -> ControlFlow<()> {
    if requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Makes the first SIGINT or SIGTERM request a stop, and the second one end the process.
///
/// # Errors
///
/// If a handler cannot be installed.
pub fn install_signal_handlers() -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, i32::from(EXIT_CODE), request().clone())
            .and_then(|_| flag::register(signal, request().clone()))
            .map_err(Error::io("the signal handler"))?;
    }
    Ok(())
}

/// Makes the end of standard input request a stop: the supervisor closed it, or has ended.
pub fn stop_at_end_of_input() {
    thread::spawn(|| {
        let mut ignored = [0; 64];
        while stdin().read(&mut ignored).is_ok_and(|count| count > 0) {}
        request().store(true, Ordering::Relaxed);
    });
}
