//! `physrep-bench bench`: how fast a method trains or encodes clips of a given shape, and what memory that takes.
//!
//! It is measured in a process of its own, like a cell, so that its memory is the method's alone and that a crash is a
//! sentence.

mod measure;

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader, Read, Seek},
    path::PathBuf,
    process::{Command, Stdio},
};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use sysinfo::System;

use crate::{
    Error, Result,
    cli::cores,
    device::{Choice, Device},
    encode, overrides,
    supervise::cause,
};

pub(crate) use measure::worker;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Pretraining steps: forward, backward and optimizer.
    Train,
    /// Encodings.
    Encode,
}

/// What to time; the defaults are the smallest clips of the paper's encoder.
#[derive(Clone, Debug, Args)]
pub struct Bench {
    /// The method.
    method: String,
    /// Points of a side, or of both.
    #[arg(long, value_name = "N|HxW", default_value = "64", value_parser = size)]
    size: [usize; 2],
    /// Clips in a batch.
    #[arg(long, default_value_t = 2)]
    batch: usize,
    /// Channels of a clip.
    #[arg(long, default_value_t = 4)]
    channels: usize,
    /// Frames that are encoded; a clip of training holds as many again, which follow them.
    #[arg(long, default_value_t = 16)]
    frames: usize,
    /// Where to compute.
    #[arg(long, default_value = "auto", value_name = "auto|cpu|cuda:N")]
    device: Choice,
    /// What to time.
    #[arg(long, value_enum, default_value = "train")]
    mode: Mode,
    /// Steps that are timed, after two that are not, or twelve in training on a GPU.
    #[arg(long, default_value_t = 10)]
    steps: u64,
    /// Threads [default: all cores].
    #[arg(long)]
    threads: Option<usize>,
    /// Decides the weights and the clips' random values.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Override one key of the method's configuration, such as jepa.dims=[16,32,64,128,128].
    #[arg(long, value_name = "METHOD.KEY=VALUE")]
    set: Vec<String>,
    /// Plugin crates, folders of crates, or libraries [default: the checkout's plugins folder].
    #[arg(long, value_name = "PATH")]
    plugins: Vec<PathBuf>,
}

/// Lengths of the axes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Clips.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Frames that are encoded.
    pub frames: usize,
    /// Points along the first axis of the grid.
    pub height: usize,
    /// Points along the second axis of the grid.
    pub width: usize,
}

/// What the process that measures is told.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    library: PathBuf,
    config: Value,
    mode: Mode,
    device: Device,
    shape: Shape,
    steps: u64,
    seed: u64,
}

/// Times in seconds, each until the GPU, if there is one, has done all of a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seconds {
    /// The fastest step's.
    pub min: f64,
    /// The median over the steps.
    pub median: f64,
    /// The mean: all timed steps' time together, by their number.
    pub mean: f64,
    /// Of every step, in order.
    pub all: Vec<f64>,
}

/// What was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measurement {
    /// The method.
    pub method: String,
    /// What was timed.
    pub mode: Mode,
    /// Where it was computed.
    pub device: String,
    /// The processor.
    pub cpu: String,
    /// Threads that it was computed with.
    pub threads: usize,
    /// The batch.
    pub shape: Shape,
    /// Trainable numbers: the encoder's, or in training the whole method's.
    pub parameters: u64,
    /// Clips in a second, at the median step.
    pub samples_per_second: f64,
    /// Seconds of a step. Steps before these, which warm up, are left out.
    pub seconds_per_step: Seconds,
    /// The most memory that the process has held, in bytes.
    pub peak_memory_bytes: u64,
    /// The most memory that tensors and the batch have held on the card, in bytes; none on the CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_card_memory_bytes: Option<u64>,
    /// Operations that the definitions of a step's convolutions and matrix products ask for, in 1e9, where the plugin counts
    /// them.
    pub gflop_per_step: Option<f64>,
    /// That, in a second of the median step.
    pub gflop_per_second: Option<f64>,
}

/// What the process that measures says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Measured(Box<Measurement>),
    Failed(String),
}

/// Measures as `bench` says and prints the result as JSON.
pub fn run(bench: &Bench) -> Result<()> {
    let shape = bench.shape()?;
    let device = bench.device.resolve_aloud()?;
    let plugin = encode::find(&bench.method, &bench.plugins, device)?;
    let set = overrides::of_method(&bench.set, plugin.name());
    if let Some(other) = bench.set.iter().find(|setting| !setting.starts_with(&format!("{}.", plugin.name()))) {
        return Err(Error::Usage(format!("--set {other}: expected METHOD.KEY=VALUE of the method {}", plugin.name())));
    }
    let task = Task {
        library: plugin.path().to_owned(),
        config: overrides::parse(None, set)?,
        mode: bench.mode,
        device,
        shape,
        steps: bench.steps,
        seed: bench.seed,
    };
    let measurement = in_own_process(&bench.method, &task, bench.threads.unwrap_or_else(cores))?;
    println!("{}", serde_json::to_string_pretty(&measurement).expect("a measurement is plain JSON"));
    Ok(())
}

impl Bench {
    /// The shape, if a batch of it fits this machine's memory.
    fn shape(&self) -> Result<Shape> {
        let [height, width] = self.size;
        let Self { batch, channels, frames, .. } = *self;
        let numbers = [batch, channels, frames, height, width, self.steps as usize, self.threads.unwrap_or(1)];
        if numbers.contains(&0) {
            return Err(Error::Usage(
                "--batch, --channels, --frames, --size, --steps and --threads must be 1 or more".into(),
            ));
        }
        let bytes = [batch, channels, 2 * frames.min(usize::MAX / 2), height, width]
            .into_iter()
            .try_fold(size_of::<f32>(), usize::checked_mul);
        let memory = machine_memory();
        match bytes {
            Some(bytes) if memory == 0 || (bytes as u64) < memory => {
                Ok(Shape { batch, channels, frames, height, width })
            }
            _ => Err(Error::Usage(format!(
                "a batch of {batch} clips of {channels} channels, 2 x {frames} frames and {height}x{width} points does not \
                 fit this machine's memory of {} MiB; take a smaller --batch or --size",
                memory >> 20
            ))),
        }
    }
}

/// Bytes of memory that this machine, or the container on it, has; 0 if that is not known.
fn machine_memory() -> u64 {
    let Ok(mut system) = System::new() else { return 0 };
    system.refresh_memory();
    let container = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
    system.total_memory().min(container)
}

/// `N` or `HxW`.
fn size(text: &str) -> std::result::Result<[usize; 2], String> {
    let (height, width) = text.split_once('x').unwrap_or((text, text));
    match (height.parse(), width.parse()) {
        (Ok(height), Ok(width)) => Ok([height, width]),
        _ => Err("expected a number of points such as 64, or two such as 128x64".into()),
    }
}

/// Lets a process of this program's own do the task.
fn in_own_process(method: &str, task: &Task, threads: usize) -> Result<Measurement> {
    let program = env::current_exe().map_err(Error::io("this program"))?;
    let mut log = tempfile::tempfile().map_err(Error::io(env::temp_dir()))?;
    let mut child = Command::new(&program)
        .arg("bench-worker")
        .arg(serde_json::to_string(task).expect("a task is plain JSON"))
        // As for the worker of a cell.
        .env("RAYON_NUM_THREADS", threads.to_string())
        .env("CANDLE_NUM_THREADS", "1")
        // The last words are the reason, not where it came from.
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.try_clone().map_err(Error::io(env::temp_dir()))?)
        .spawn()
        .map_err(Error::io(&program))?;
    let stdout = child.stdout.take().expect("the output is piped");
    // Other lines are a plugin's own prints.
    let lines = BufReader::new(stdout).split(b'\n').map_while(std::io::Result::ok);
    let said = lines.filter_map(|line| serde_json::from_slice(&line).ok()).last();
    let status = child.wait().map_err(Error::io(&program))?;
    let message = match said {
        Some(Said::Measured(measurement)) if status.success() => return Ok(*measurement),
        Some(Said::Failed(reason)) => reason,
        _ => format!("the process that measures died ({}){}", cause(status), last_words(&mut log)),
    };
    Err(Error::Method { method: method.to_owned(), message })
}

/// The last line of a log, for the end of a sentence.
fn last_words(log: &mut File) -> String {
    let mut text = Vec::new();
    let read = log.rewind().and_then(|()| log.read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty() && !line.starts_with("note:"));
    last.filter(|_| read.is_ok()).map(|line| format!("; its last words: {line}")).unwrap_or_default()
}
