//! The machine and the software versions that a result was computed with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The machine and the software versions that a result was computed with.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Version of physrep-bench.
    pub physrep_bench: String,
    /// The git revision it was built from, with `-dirty` if the tree had changes; `unknown` outside a repository.
    pub git_revision: String,
    /// The compiler it was built with.
    pub rustc: String,
    /// The operating system and its kernel.
    pub os: String,
    /// The processor.
    pub cpu: String,
    /// Logical processor cores.
    pub cores: usize,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Threads of the cell's process.
    pub threads: usize,
    /// The device of the method: `cpu`, or a GPU with its memory and driver.
    pub device: String,
    /// BLAKE3 of the packed data.
    pub data_checksum: String,
    /// When the cell was finished, UTC.
    pub finished: String,
}
