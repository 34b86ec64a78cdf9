//! The environment of this process, for records.

use physrep_records::{Device, Environment};
use sysinfo::System;

use crate::device::describe;

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The git revision that it was built from.
pub(crate) const REVISION: &str = env!("PHYSREP_GIT_REVISION");

/// The current environment of a cell whose method computed on `device` and whose packed data has `data_checksum`.
pub(crate) fn current(data_checksum: &str, device: Device) -> Environment {
    // Fields that the system does not report stay empty, rather than failing the cell.
    let machine = System::new().map(|mut system| {
        system.refresh_memory();
        system.refresh_cpu_all();
        system
    });
    let machine = machine.ok();
    let cpus = machine.as_ref().map(System::cpus).unwrap_or_default();
    Environment {
        physrep_bench: VERSION.into(),
        git_revision: REVISION.into(),
        rustc: env!("PHYSREP_RUSTC").into(),
        os: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.into()),
        cpu: cpus.first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default(),
        cores: cpus.len(),
        memory_mib: machine.as_ref().map_or(0, System::total_memory) >> 20,
        threads: rayon::current_num_threads(),
        device: describe(device),
        data_checksum: data_checksum.into(),
        finished: now(),
    }
}

/// The current time, UTC, such as `2026-01-31T12:00:00Z`.
pub(crate) fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}

/// Bytes of memory of this machine, or of the container that this process runs in; 0 if unknown.
pub fn machine_memory() -> u64 {
    let Ok(mut system) = System::new() else { return 0 };
    system.refresh_memory();
    let container = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
    system.total_memory().min(container)
}
