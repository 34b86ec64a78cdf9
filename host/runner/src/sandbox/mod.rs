//! The confinement of a process that runs a method: other people's code, which must not reach a label, nor harm anything but its own row.
//!
//! Landlock confines it to files that it needs, and keeps it from other processes and the network; seccomp takes system calls away
//! that would undo that. What the kernel does not have is not in force; the record of a cell lists what was.

mod access;
#[cfg(target_os = "linux")]
mod capabilities;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod python;
#[cfg(target_os = "linux")]
mod system_calls;

pub(crate) use access::Access;

use crate::error::Result;

/// Confines this process, which must not have started another thread yet, for good. Returns the restrictions that are in force.
///
/// # Errors
///
/// If the kernel has a restriction and refuses it.
#[cfg(target_os = "linux")]
pub(crate) fn enter(access: &Access) -> Result<Vec<String>> {
    capabilities::drop_most();
    let landlock = files::restrict(access)?;
    let system_calls = system_calls::restrict(access.gpu, landlock >= files::SIGNALS)?;
    let restrictions = [
        (landlock >= landlock::ABI::V1, "files (Landlock)"),
        (landlock >= files::SIGNALS, "signals (Landlock)"),
        (system_calls, "network, system calls (seccomp)"),
    ];
    let in_force = restrictions.into_iter().filter(|(in_force, _)| *in_force).map(|(_, name)| name.to_owned());
    Ok(in_force.chain(files::exceptions()).collect())
}

/// There is no confinement on this system.
#[cfg(not(target_os = "linux"))]
pub(crate) fn enter(_access: &Access) -> Result<Vec<String>> {
    Ok(Vec::new())
}
