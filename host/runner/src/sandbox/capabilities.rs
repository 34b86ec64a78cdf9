//! Capabilities of root, of which a method keeps those over files: without the others it cannot look into processes that have them.

use std::io;

/// `_LINUX_CAPABILITY_VERSION_3` of `linux/capability.h`.
const VERSION: u32 = 0x2008_0522;

/// `CAP_DAC_OVERRIDE` and `CAP_DAC_READ_SEARCH`: a file of another user stays readable.
const KEPT: u32 = 0b110;

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

/// Gives up all capabilities of this thread, and of those that it starts, but [`KEPT`]. A container may forbid even that.
pub(super) fn drop_most() {
    let mut header = Header { version: VERSION, process: 0 };
    let mut sets = [Set::default(); 2];
    // SAFETY: both pointers are valid for the structures of this version.
    let read = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) };
    let [low, _] = sets;
    let sets =
        [Set { effective: low.effective & KEPT, permitted: low.permitted & KEPT, inheritable: 0 }, Set::default()];
    // SAFETY: as above.
    if read != 0 || unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) } != 0 {
        log::debug!("capabilities are kept: {}", io::Error::last_os_error());
    }
}
