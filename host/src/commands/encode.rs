//! `physrep-bench encode`: embeddings of clips, with a method and a checkpoint.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_runner::{EncodeTask, encode_clips};

use crate::{
    arguments::{DeviceArgument, Plugins},
    error::Result,
};

/// What to encode, and with what.
#[derive(Debug, Args)]
pub struct Encode {
    /// The method.
    #[arg(long)]
    method: String,
    /// Override one key of the method's configuration, such as dims=16,32,64,128,128.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The encoder's weights: the state of a run's pretraining, a safetensors file, or a checkpoint of PyTorch.
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,
    /// The keys in the checkpoint below which the weights are, joined by dots, if several fit: ema, or model.teacher.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The system of the clips, if the checkpoint was pretrained on several [default: the only one].
    #[arg(long)]
    system: Option<String>,
    /// A safetensors file with the tensor `input`, (B, C, T, H, W).
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// The safetensors file to write, with the tensor `embedding`, (B, tokens, dim).
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    plugins: Plugins,
    #[command(flatten)]
    device: DeviceArgument,
}

impl Encode {
    /// Encodes the clips of the input and writes their embeddings to the output.
    pub fn run(self) -> Result<ExitCode> {
        encode_clips(&EncodeTask {
            device: self.device.resolve_and_log()?,
            method: self.method,
            plugins: self.plugins.paths()?,
            set: self.set,
            checkpoint: self.checkpoint,
            key: self.key,
            system: self.system,
            input: self.input,
            output: self.output,
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
