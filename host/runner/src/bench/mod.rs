//! Benchmarks: throughput and memory of a method that trains on or encodes clips of a given shape.
//!
//! A method is measured in a separate process, so that the measured memory is the method's and a crash becomes an error.

mod measure;

use std::{env, time::Duration};

use physrep_records::Device;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    child::{ChildSettings, SupervisedChild, cause, last_line},
    environment::machine_memory,
    error::{Error, Result},
    plugin::MethodCode,
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
    /// Clips per batch.
    pub batch: usize,
    /// Channels per clip.
    pub channels: usize,
    /// Context frames; a clip for training has as many future frames.
    pub frames: usize,
    /// Points along the first axis of the grid.
    pub height: usize,
    /// Points along the second axis of the grid.
    pub width: usize,
}

impl BatchShape {
    /// Checks that a batch fits this machine's memory.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if it does not.
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
    /// Where its code is.
    pub code: MethodCode,
    /// The keys of the method's configuration that differ from the defaults.
    pub config: Value,
    /// What is timed.
    pub mode: BenchMode,
    /// The device to compute on.
    pub device: Device,
    /// The shape of a batch.
    pub shape: BatchShape,
    /// The number of timed steps.
    pub steps: u64,
    /// The seed of the weights and of the clips' values.
    pub seed: u64,
}

/// Seconds per step; on a GPU, until all work of the step has finished.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepTimes {
    /// The minimum over steps.
    pub min: f64,
    /// The median over steps.
    pub median: f64,
    /// The mean over steps.
    pub mean: f64,
    /// The time of every step, in order.
    pub all: Vec<f64>,
}

/// What was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BenchResult {
    /// The method.
    pub method: String,
    /// What was timed.
    pub mode: BenchMode,
    /// The device that it was computed on.
    pub device: String,
    /// The processor.
    pub cpu: String,
    /// Threads of the process.
    pub threads: usize,
    /// The shape of a batch.
    pub shape: BatchShape,
    /// Elements in the trainable tensors: the encoder's, or in training the whole method's.
    pub parameters: u64,
    /// Clips per second, at the median step.
    pub samples_per_second: f64,
    /// Seconds per step, without the warm-up steps.
    pub seconds_per_step: StepTimes,
    /// Peak resident memory of the process, in bytes.
    pub peak_memory_bytes: u64,
    /// Peak memory of tensors and the batch on the GPU, in bytes; none on the CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_device_memory_bytes: Option<u64>,
    /// Floating-point operations of a step's convolutions and matrix products by their definition, in 1e9, if the plugin counts
    /// them.
    pub gflop_per_step: Option<f64>,
    /// These operations per second, at the median step.
    pub gflop_per_second: Option<f64>,
}

/// A message of the process that measures.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Message {
    Measured(Box<BenchResult>),
    Failed(String),
}

/// Measures in a separate process with `threads` threads.
///
/// # Errors
///
/// [`Error::Method`] with the reason of a failure or a crash; [`Error::Records`] if the process cannot be started.
pub fn measure(task: &BenchTask, threads: usize) -> Result<BenchResult> {
    let mut log = tempfile::tempfile().map_err(Error::io(env::temp_dir()))?;
    let child = SupervisedChild::spawn(ChildSettings {
        arguments: vec!["bench-one".into(), serde_json::to_string(task).expect("a task is plain JSON").into()],
        threads: Some(threads),
        stops_at_end_of_input: false,
        gpu: None,
        log: log.try_clone().map_err(Error::io(env::temp_dir()))?,
    })?;
    let mut last = None;
    // It sends one message, at its end, and that may be far.
    let ended = child.watch(Duration::MAX, |message| {
        last = Some(message);
        Duration::MAX
    });
    let status = ended.map_err(Error::io("the process that measures"))?.status;
    let message = match last {
        Some(Message::Measured(measurement)) if status.success() => return Ok(*measurement),
        Some(Message::Failed(reason)) => reason,
        _ => format!("the process that measures died ({}){}", cause(status), last_line(&mut log)),
    };
    Err(Error::Method { method: task.method.clone(), message })
}
