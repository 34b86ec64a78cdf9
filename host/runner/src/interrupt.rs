//! Stopping on request: Ctrl-C or a termination signal for the program, the end of standard input for its child processes.
//!
//! Whatever works in steps asks [`requested`] between them, leaves a checkpoint, and ends. A second signal ends the program at
//! once.

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

/// The exit code of a program that was interrupted: 128 and the number of SIGINT, as shells have it.
pub const EXIT_CODE: u8 = 130;

fn request() -> &'static Arc<AtomicBool> {
    static REQUEST: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    REQUEST.get_or_init(Arc::default)
}

/// Whether this process is to stop.
pub fn requested() -> bool {
    request().load(Ordering::Relaxed)
}

/// An error if this process is to stop.
///
/// # Errors
///
/// [`Error::Interrupted`].
pub fn check() -> Result<()> {
    if requested() { Err(Error::Interrupted) } else { Ok(()) }
}

/// Whether work that reports its progress continues.
pub fn flow() -> ControlFlow<()> {
    if requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// From now on signals ask this process to stop, and the second one ends it.
///
/// # Errors
///
/// If the system refuses.
pub fn install_signal_handlers() -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, i32::from(EXIT_CODE), request().clone())
            .and_then(|_| flag::register(signal, request().clone()))
            .map_err(Error::io("the signal handler"))?;
    }
    Ok(())
}

/// From now on the end of standard input asks this process to stop: its supervisor closed it, or is gone.
pub fn stop_at_end_of_input() {
    thread::spawn(|| {
        let mut ignored = [0; 64];
        while stdin().read(&mut ignored).is_ok_and(|count| count > 0) {}
        request().store(true, Ordering::Relaxed);
    });
}
