//! The machine and the versions that a result was computed with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sysinfo::System;

use crate::device::{Device, describe};

/// The machine and the versions.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Version of physrep-bench.
    pub physrep_bench: String,
    /// Git revision it was built from, `-dirty` if the tree had changes; `unknown` outside a repository.
    pub git_revision: String,
    /// The compiler it was built with.
    pub rustc: String,
    /// The operating system and its kernel.
    pub os: String,
    /// The processor.
    pub cpu: String,
    /// Processor cores.
    pub cores: usize,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Threads that the worker used.
    pub threads: usize,
    /// The device that trained and encoded: `cpu`, or a card with its memory and driver.
    pub device: String,
    /// BLAKE3 of the packed data.
    pub data_checksum: String,
    /// When the cell was finished, UTC.
    pub finished: String,
}

impl Environment {
    /// The environment of this process, now, whose method computed on `device`.
    pub fn now(data_checksum: &str, device: Device) -> Self {
        // What the system does not tell stays empty: no reason to lose a result.
        let machine = System::new().map(|mut system| {
            system.refresh_memory();
            system.refresh_cpu_all();
            system
        });
        let machine = machine.ok();
        let cpus = machine.as_ref().map(System::cpus).unwrap_or_default();
        Self {
            physrep_bench: env!("CARGO_PKG_VERSION").into(),
            git_revision: env!("PHYSREP_GIT_REVISION").into(),
            rustc: env!("PHYSREP_RUSTC").into(),
            os: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.into()),
            cpu: cpus.first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default(),
            cores: cpus.len(),
            memory_mib: machine.as_ref().map_or(0, System::total_memory) >> 20,
            threads: rayon::current_num_threads(),
            device: describe(device),
            data_checksum: data_checksum.into(),
            finished: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}
