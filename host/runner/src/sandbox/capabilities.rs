//! Capabilities of root, of which a method keeps those over files: without the others it cannot look into processes that have them.

use std::io;

use crate::error::{Error, Result};

/// `_LINUX_CAPABILITY_VERSION_3` of `linux/capability.h`.
const VERSION: u32 = 0x2008_0522;

/// `CAP_CHOWN`, `CAP_DAC_OVERRIDE`, `CAP_DAC_READ_SEARCH` and `CAP_FOWNER`: a file of another user stays readable.
const KEPT: u32 = 0b1111;

/// The header of `capset(2)`.
#[repr(C)]
struct Header {
    version: u32,
    process: i32,
}

/// Thirty-two capabilities, as `capset(2)` takes them.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Set {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Gives up all capabilities of this thread, and of those that it starts, but [`KEPT`].
pub(super) fn drop_all() -> Result<()> {
    let mut header = Header { version: VERSION, process: 0 };
    let mut sets = [Set::default(); 2];
    // SAFETY: both pointers are valid for the structures of this version.
    let read = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) };
    let [low, _] = sets;
    let sets =
        [Set { effective: low.effective & KEPT, permitted: low.permitted & KEPT, inheritable: 0 }, Set::default()];
    // SAFETY: as above.
    if read != 0 || unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) } != 0 {
        return Err(Error::io("the capabilities of a method's process")(io::Error::last_os_error()));
    }
    Ok(())
}
