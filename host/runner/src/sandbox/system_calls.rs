//! System calls that a method has no use for, refused by seccomp: those that reach other processes or the network, that would leave
//! the process group in which everything ends, or that would change the sandbox or the machine.

use std::{env::consts::ARCH, io};

use libc::{c_long, pid_t};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use crate::error::{Error, Result};

/// Refused whatever their arguments are.
const REFUSED: [c_long; 39] = [
    // other processes
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_perf_event_open,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    // out of the process group
    libc::SYS_setsid,
    libc::SYS_setpgid,
    // the sandbox
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    // the machine
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_clock_settime,
    libc::SYS_settimeofday,
    // keys
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
];

/// Refuses this thread, and those that it starts, system calls of [`REFUSED`], sockets, and limits of other processes; signals to
/// other processes, too, unless `signals_are_restricted` already. Computing on a GPU may need local sockets. False if this processor
/// or kernel has no seccomp.
pub(super) fn restrict(gpu: bool, signals_are_restricted: bool) -> Result<bool> {
    let Ok(arch) = TargetArch::try_from(ARCH) else { return Ok(false) };
    // SAFETY: with these arguments the call only looks up an attribute of this process.
    if unsafe { libc::prctl(libc::PR_GET_SECCOMP) } < 0 {
        return Ok(false);
    }
    let program = filter(gpu, signals_are_restricted, arch).map_err(|e| refused(e.to_string()))?;
    seccompiler::apply_filter(&program).map_err(|e| refused(e.to_string()))?;
    Ok(true)
}

fn refused(why: String) -> Error {
    Error::io("the sandbox of a method")(io::Error::other(format!("seccomp refuses it: {why}")))
}

fn filter(gpu: bool, signals_are_restricted: bool, arch: TargetArch) -> Result<BpfProgram, seccompiler::BackendError> {
    let argument = |index, operator, value: u64| {
        SeccompRule::new(vec![SeccompCondition::new(index, Dword, operator, value)?]).map(|rule| vec![rule])
    };
    let mut rules: Vec<(c_long, Vec<SeccompRule>)> = REFUSED.iter().map(|&call| (call, vec![])).collect();
    let sockets = if gpu { argument(0, SeccompCmpOp::Ne, libc::AF_UNIX as u64)? } else { vec![] };
    rules.push((libc::SYS_socket, sockets));
    // Of another process than the caller itself.
    rules.push((libc::SYS_prlimit64, argument(0, SeccompCmpOp::Ne, 0)?));
    // Typing into the terminal.
    rules.push((libc::SYS_ioctl, argument(1, SeccompCmpOp::Eq, libc::TIOCSTI)?));
    if !signals_are_restricted {
        let this = std::process::id() as pid_t as u64;
        for call in [libc::SYS_kill, libc::SYS_tgkill] {
            rules.push((call, argument(0, SeccompCmpOp::Ne, this)?));
        }
        let others =
            [libc::SYS_tkill, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo, libc::SYS_pidfd_send_signal];
        rules.extend(others.map(|call| (call, vec![])));
    }
    let errno = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(rules.into_iter().collect(), SeccompAction::Allow, errno, arch)?.try_into()
}
