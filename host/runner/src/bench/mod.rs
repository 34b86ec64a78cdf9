//! Benchmarks: how fast a method trains or encodes clips of a given shape, and what memory that takes.
//!
//! A method is measured in a process of its own, so that its memory is the method's alone and a crash is a sentence.

mod measure;

use std::{env, path::PathBuf, time::Duration};

use physrep_records::Device;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    child::{ChildSettings, Heard, SupervisedChild, cause, last_line},
    environment::machine_memory,
    error::{Error, Result},
};

pub use measure::measure_in_this_process;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BenchMode {
    /// Pretraining steps: forward, backward and optimizer.
    Train,
    /// Encodings.
    Encode,
}

/// The shape of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchShape {
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

impl BatchShape {
    /// Refuses batches that do not fit this machine's memory.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`].
    pub fn check(self) -> Result<Self> {
        let Self { batch, channels, frames, height, width } = self;
        let bytes = [batch, channels, 2 * frames.min(usize::MAX / 2), height, width]
            .into_iter()
            .try_fold(size_of::<f32>(), usize::checked_mul);
        let memory = machine_memory();
        match bytes {
            Some(bytes) if memory == 0 || (bytes as u64) < memory => Ok(self),
            _ => Err(Error::Usage(format!(
                "a batch of {batch} clips of {channels} channels, 2 x {frames} frames and {height}x{width} points does not \
                 fit this machine's memory of {} MiB; take a smaller --batch or --size",
                memory >> 20
            ))),
        }
    }
}

/// What to measure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BenchTask {
    /// The method's name.
    pub method: String,
    /// The plugin's library.
    pub library: PathBuf,
    /// The keys of the method's configuration that differ from the defaults.
    pub config: Value,
    /// What is timed.
    pub mode: BenchMode,
    /// Where to compute.
    pub device: Device,
    /// The shape of a batch.
    pub shape: BatchShape,
    /// Steps that are timed.
    pub steps: u64,
    /// Decides the weights and the clips' random values.
    pub seed: u64,
}

/// Times in seconds, each until the GPU, if there is one, has done all of a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepTimes {
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
pub struct BenchResult {
    /// The method.
    pub method: String,
    /// What was timed.
    pub mode: BenchMode,
    /// Where it was computed.
    pub device: String,
    /// The processor.
    pub cpu: String,
    /// Threads that it was computed with.
    pub threads: usize,
    /// The batch.
    pub shape: BatchShape,
    /// Elements of trainable tensors: the encoder's, or in training the whole method's.
    pub parameters: u64,
    /// Clips per second, at the median step.
    pub samples_per_second: f64,
    /// StepTimes of a step. Steps before these, which warm up, are left out.
    pub seconds_per_step: StepTimes,
    /// The most memory that the process has held, in bytes.
    pub peak_memory_bytes: u64,
    /// The most memory that tensors and the batch have held on the GPU, in bytes; none on the CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_device_memory_bytes: Option<u64>,
    /// Operations that the definitions of a step's convolutions and matrix products ask for, in 1e9, where the plugin counts
    /// them.
    pub gflop_per_step: Option<f64>,
    /// That per second of the median step.
    pub gflop_per_second: Option<f64>,
}

/// What the process that measures reports.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Message {
    Measured(Box<BenchResult>),
    Failed(String),
}

/// Measures in a process of its own, with so many threads.
///
/// # Errors
///
/// [`Error::Method`] with the reason of a failure or a crash.
pub fn measure(task: &BenchTask, threads: usize) -> Result<BenchResult> {
    let mut log = tempfile::tempfile().map_err(Error::io(env::temp_dir()))?;
    let child = SupervisedChild::spawn(ChildSettings {
        arguments: vec!["bench-one".into(), serde_json::to_string(task).expect("a task is plain JSON").into()],
        threads: Some(threads),
        stops_at_end_of_input: false,
        log: log.try_clone().map_err(Error::io(env::temp_dir()))?,
    })?;
    let mut last = None;
    loop {
        match child.hear(Duration::from_secs(3600)) {
            Heard::Message(message) => last = Some(message),
            Heard::Silence => {}
            Heard::End => break,
        }
    }
    let status = child.wait().map_err(Error::io("the process that measures"))?;
    let message = match last {
        Some(Message::Measured(measurement)) if status.success() => return Ok(*measurement),
        Some(Message::Failed(reason)) => reason,
        _ => format!("the process that measures died ({}){}", cause(status), last_line(&mut log)),
    };
    Err(Error::Method { method: task.method.clone(), message })
}
