//! `physrep-bench gpu-one`: whether the first GPU works; started by `all --device cuda:all`.

use std::process::ExitCode;

use clap::Args;
use physrep_runner::check_gpu_in_this_process;

use crate::error::Result;

/// The environment says which GPU is the first.
#[derive(Debug, Args)]
pub struct GpuOne {}

impl GpuOne {
    /// Opens the GPU in this process.
    pub fn run(self) -> Result<ExitCode> {
        check_gpu_in_this_process()?;
        Ok(ExitCode::SUCCESS)
    }
}
