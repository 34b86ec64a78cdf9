//! Stopping on request: Ctrl-C or another signal, and for child processes the end of standard input.
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
    consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1},
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

/// Makes the first signal that asks for an end request a stop, and the second one end the process: Ctrl-C, SIGTERM, the hang-up of a
/// terminal, and SIGUSR1, which schedulers send some time before they kill. A hang-up that is ignored, as under `nohup`, stays so.
///
/// # Errors
///
/// If a handler cannot be installed.
pub fn install_signal_handlers() -> Result<()> {
    for signal in signals() {
        flag::register_conditional_shutdown(signal, i32::from(EXIT_CODE), request().clone())
            .map_err(Error::io("the signal handler"))?;
    }
    stop_at_signals()
}

/// Makes any of these signals request a stop, however often it comes: for a child process, which its parent kills if it does not stop.
///
/// # Errors
///
/// If a handler cannot be installed.
pub fn stop_at_signals() -> Result<()> {
    for signal in signals() {
        flag::register(signal, request().clone()).map_err(Error::io("the signal handler"))?;
    }
    Ok(())
}

/// Ignores these signals: for a process that ends with the pipe of its parent, which handles them.
pub(crate) fn ignore_signals() {
    #[cfg(unix)]
    for signal in signals() {
        // SAFETY: no code runs when an ignored signal arrives.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// The signals that ask for an end, less a hang-up that is ignored.
fn signals() -> impl Iterator<Item = i32> {
    [SIGINT, SIGTERM, SIGHUP, SIGUSR1].into_iter().filter(|&signal| signal != SIGHUP || !is_ignored(signal))
}

/// Whether this process was started with a signal ignored.
fn is_ignored(signal: i32) -> bool {
    #[cfg(unix)]
    // SAFETY: zeros are a valid `sigaction`; without a new action the call only fills it in.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut action) == 0 && action.sa_sigaction == libc::SIG_IGN
    }
    #[cfg(not(unix))]
    false
}

/// Makes the end of standard input request a stop: the supervisor closed it, or has ended.
pub fn stop_at_end_of_input() {
    thread::spawn(|| {
        let mut ignored = [0; 64];
        while stdin().read(&mut ignored).is_ok_and(|count| count > 0) {}
        request().store(true, Ordering::Relaxed);
    });
}
