//! System calls that a method has no use for, refused by seccomp: those that reach other processes or the network, that leave
//! something behind, that would leave the process group in which everything ends, or that would change the sandbox or the machine.

use std::{collections::BTreeMap, env::consts::ARCH, io};

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

use crate::error::{Error, Result};

/// Refused whatever their arguments are.
const REFUSED: &[c_long] = &[
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
    libc::SYS_ioprio_set,
    // memory that outlives the process
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_semget,
    libc::SYS_msgget,
    libc::SYS_mq_open,
    // out of the process group
    libc::SYS_setsid,
    libc::SYS_setpgid,
    // files, where Landlock has no say
    libc::SYS_truncate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_open_by_handle_at,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
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

/// Refused for any process but the caller, whose number may be given as 0.
const OF_OTHERS: [c_long; 5] = [
    libc::SYS_prlimit64,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setattr,
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
    apply(&program).map_err(|e| refused(e.to_string()))?;
    Ok(true)
}

/// Applies a filter to this thread, and those that it starts. Unlike seccompiler's, this leaves speculation alone, which kernels before
/// 5.16 would restrict in a process with a filter, at the cost of its speed.
fn apply(program: &BpfProgram) -> io::Result<()> {
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut().cast() };
    let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW);
    // SAFETY: instructions of seccompiler are laid out as the kernel's, and outlive the call.
    let failed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || libc::syscall(libc::SYS_seccomp, mode, flags, &raw const filter) != 0
    };
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn refused(why: String) -> Error {
    Error::io("the sandbox of a method")(io::Error::other(format!("seccomp refuses it: {why}")))
}

fn filter(gpu: bool, signals_are_restricted: bool, arch: TargetArch) -> Result<BpfProgram, seccompiler::BackendError> {
    let argument =
        |index, operator, value: u64| SeccompRule::new(vec![SeccompCondition::new(index, Dword, operator, value)?]);
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = REFUSED.iter().map(|&call| (call, vec![])).collect();
    for call in OF_OTHERS {
        rules.insert(call, vec![argument(0, SeccompCmpOp::Ne, 0)?]);
    }
    let other_priorities =
        [argument(0, SeccompCmpOp::Ne, libc::PRIO_PROCESS as u64)?, argument(1, SeccompCmpOp::Ne, 0)?];
    rules.insert(libc::SYS_setpriority, other_priorities.into());
    if gpu {
        // The driver listens on a local socket. It is not for asking services of the system to do something.
        let kind = SeccompCmpOp::MaskedEq(0xf);
        let sockets =
            [argument(0, SeccompCmpOp::Ne, libc::AF_UNIX as u64)?, argument(1, kind, libc::SOCK_DGRAM as u64)?];
        rules.insert(libc::SYS_socket, sockets.into());
        rules.insert(libc::SYS_connect, vec![]);
    } else {
        rules.insert(libc::SYS_socket, vec![]);
    }
    // Typing into the terminal.
    #[allow(clippy::unnecessary_cast)] // its type depends on the C library
    let mut controls = vec![argument(1, SeccompCmpOp::Eq, libc::TIOCSTI as u64)?];
    if !signals_are_restricted {
        let this = u64::from(std::process::id());
        for call in [libc::SYS_kill, libc::SYS_tgkill] {
            rules.insert(call, vec![argument(0, SeccompCmpOp::Ne, this)?]);
        }
        for call in
            [libc::SYS_tkill, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo, libc::SYS_pidfd_send_signal]
        {
            rules.insert(call, vec![]);
        }
        // Signals that the kernel sends when a file becomes ready.
        const F_SETSIG: u64 = 10;
        const F_SETOWN_EX: u64 = 15;
        const FIOSETOWN: u64 = 0x8901;
        const SIOCSPGRP: u64 = 0x8902;
        let owners = [libc::F_SETOWN as u64, F_SETSIG, F_SETOWN_EX];
        let owners = owners.map(|command| argument(1, SeccompCmpOp::Eq, command));
        rules.insert(libc::SYS_fcntl, owners.into_iter().collect::<Result<_, _>>()?);
        for control in [FIOSETOWN, SIOCSPGRP] {
            controls.push(argument(1, SeccompCmpOp::Eq, control)?);
        }
    }
    rules.insert(libc::SYS_ioctl, controls);
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let program: BpfProgram = SeccompFilter::new(rules, SeccompAction::Allow, refused.clone(), arch)?.try_into()?;
    Ok(without_x32(program, refused.into()))
}

/// Refuses the system calls of the x32 ABI first, which have other numbers for the same calls.
fn without_x32(program: BpfProgram, refused: u32) -> BpfProgram {
    if cfg!(not(target_arch = "x86_64")) {
        return program;
    }
    const X32: u32 = 0x4000_0000;
    let step = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    // The number of the call is the first field of `seccomp_data`.
    let load = step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0);
    let compare = step(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, X32);
    let refuse = step(libc::BPF_RET | libc::BPF_K, 0, 0, refused);
    [load, compare, refuse].into_iter().chain(program).collect()
}
