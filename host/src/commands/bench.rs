//! `physrep-bench bench`: throughput and memory of a method that trains on or encodes clips of a given shape.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use physrep_runner::{
    BatchShape, BenchMode, BenchTask, cores, find_plugin, measure, measure_in_this_process, of_method, parse_overrides,
};

use crate::{
    arguments::{DeviceArgument, Plugins, worker_count},
    error::{Error, Result},
    output::say,
};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// Pretraining steps: forward, backward and optimizer.
    Train,
    /// Encodings.
    Encode,
}

/// What to time; the defaults are the smallest clips of the paper's encoder.
#[derive(Debug, Args)]
pub struct Bench {
    /// The method.
    method: String,
    /// Points per side, or along H and W.
    #[arg(long, value_name = "N|HxW", default_value = "64", value_parser = size)]
    size: [usize; 2],
    /// Clips in a batch.
    #[arg(long, default_value_t = 2)]
    batch: usize,
    /// Channels of a clip.
    #[arg(long, default_value_t = 4)]
    channels: usize,
    /// Context frames; a clip for training has as many future frames.
    #[arg(long, default_value_t = 16)]
    frames: usize,
    #[command(flatten)]
    device: DeviceArgument,
    /// What to time.
    #[arg(long, value_enum, default_value = "train")]
    mode: Mode,
    /// Timed steps, after two warm-up steps, or twelve in training on a GPU.
    #[arg(long, default_value_t = 10)]
    steps: u64,
    /// Threads [default: all cores].
    #[arg(long, value_parser = worker_count)]
    threads: Option<usize>,
    /// The seed of the weights and of the clips' values.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Override one key of the method's configuration, such as jepa.training.lr=1e-3.
    #[arg(long, value_name = "METHOD.KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    plugins: Plugins,
}

/// What to measure; started by [`Bench`].
#[derive(Debug, Args)]
pub struct BenchOne {
    /// The task, as JSON.
    task: String,
}

impl BenchOne {
    /// Measures in this process.
    pub fn run(self) -> Result<ExitCode> {
        measure_in_this_process(&self.task)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Bench {
    /// Measures and prints the result as JSON.
    pub fn run(self) -> Result<ExitCode> {
        let shape = self.shape()?;
        let device = self.device.resolve_and_log()?;
        let plugin = find_plugin(&self.method, &self.plugins.paths()?, device)?;
        let name = plugin.name();
        if let Some(other) = self.set.iter().find(|setting| !setting.starts_with(&format!("{name}."))) {
            return Err(Error::Usage(format!("--set {other}: expected METHOD.KEY=VALUE of the method {name}")));
        }
        let task = BenchTask {
            method: self.method,
            code: plugin.code().clone(),
            config: parse_overrides(None, of_method(&self.set, name))?,
            mode: match self.mode {
                Mode::Train => BenchMode::Train,
                Mode::Encode => BenchMode::Encode,
            },
            device,
            shape,
            steps: self.steps,
            seed: self.seed,
        };
        let result = measure(&task, self.threads.unwrap_or_else(cores))?;
        say!("{}", serde_json::to_string_pretty(&result).expect("a result is plain JSON"));
        Ok(ExitCode::SUCCESS)
    }

    fn shape(&self) -> Result<BatchShape> {
        let [height, width] = self.size;
        let Self { batch, channels, frames, .. } = *self;
        let positive = [batch, channels, frames, height, width, self.steps as usize, self.threads.unwrap_or(1)];
        if positive.contains(&0) {
            return Err(Error::Usage(
                "--batch, --channels, --frames, --size, --steps and --threads must be 1 or more".into(),
            ));
        }
        Ok(BatchShape { batch, channels, frames, height, width }.check()?)
    }
}

/// `N` or `HxW`.
fn size(text: &str) -> std::result::Result<[usize; 2], String> {
    let (height, width) = text.split_once('x').unwrap_or((text, text));
    match (height.parse(), width.parse()) {
        (Ok(height), Ok(width)) => Ok([height, width]),
        _ => Err("expected a number of points such as 64, or two such as 128x64".into()),
    }
}
