//! The measurement: times the steps of a session on the same random clips.

use std::time::Instant;

use physrep_abi::LogLevel;
use physrep_random::Stream;
use physrep_records::Device;

use super::{BenchMode, BenchResult, BenchTask, Message, StepTimes};
use crate::{
    child::{begin_as_child, limit_memory},
    device::{MemoryPool, Staging, keep_freed_memory},
    environment::{current, machine_memory},
    error::{Error, Result},
    messages, peak_memory,
    plugin::{Callbacks, Geometry, Plugin, Session, SessionSpec},
};

/// The number of warm-up steps, which start the thread pools and allocate memory. Training on a GPU has more of them, because methods
/// check the gradients of their first ten steps, which slows down short steps.
fn warm_up(task: &BenchTask) -> u64 {
    match (task.mode, task.device) {
        (BenchMode::Train, Device::Cuda(_)) => 12,
        _ => 2,
    }
}

/// Measures a task, given as JSON, and writes the result to standard output. It runs in a separate process.
///
/// # Errors
///
/// If standard output is closed.
pub fn measure_in_this_process(task: &str) -> Result<()> {
    begin_as_child()?;
    physrep_nn::retain_heap_memory();
    let measured =
        serde_json::from_str(task).map_err(|e| Error::Usage(e.to_string())).and_then(|task| run_steps(&task));
    let message = match measured {
        Ok(result) => Message::Measured(Box::new(result)),
        Err(Error::Method { message, .. } | Error::Refused { message, .. }) => Message::Failed(message),
        Err(error) => Message::Failed(error.to_string()),
    };
    messages::send(&message).map_err(Error::io("standard output"))
}

struct Silent;

impl Callbacks for Silent {
    fn log(&self, _level: LogLevel, _message: &str) {}

    fn metric(&self, _name: &str, _step: u64, _value: f64) {}
}

fn run_steps(task: &BenchTask) -> Result<BenchResult> {
    let shape = task.shape;
    if task.device == Device::Cpu {
        limit_memory(match machine_memory() {
            0 => u64::MAX, // unknown
            bytes => bytes,
        })?;
    }
    keep_freed_memory(task.device);
    let pool =
        MemoryPool::of(task.device).map_err(|why| Error::Usage(format!("{} cannot be timed: {why}", task.device)))?;
    let warm_up = warm_up(task);
    let training = task.mode == BenchMode::Train;
    let geometry = Geometry::anonymous(shape.channels, [shape.height, shape.width]);
    let batch = geometry.shape(shape.batch, if training { 2 * shape.frames } else { shape.frames });
    let plugin = Plugin::open(&task.code.library)?;
    let scratch = tempfile::tempdir().map_err(Error::io("a temporary folder"))?;
    let spec = SessionSpec {
        config: task.code.session_config(&task.config)?,
        systems: vec![geometry],
        context_frames: shape.frames,
        future_frames: shape.frames,
        batch: shape.batch,
        steps: if training { warm_up + task.steps } else { 0 },
        seed: task.seed,
        device: task.device,
        scratch: scratch.path().to_owned(),
    };
    let mut session = Session::new(&plugin, &spec, &Silent)?;
    let len = batch.iter().product();
    let (mut clips, warning) = Staging::at(session.memory()).zeros(len);
    if let Some(warning) = warning {
        log::warn!("{warning}");
    }
    Stream::new(task.seed, "clips of a benchmark", 0).fill_normal(clips.values_mut().map_err(Error::Device)?);
    clips.send(len).map_err(Error::Device)?;
    let mut all = Vec::new();
    let mut before = None;
    for step in 0..warm_up + task.steps {
        if step == warm_up {
            before = plugin.flops();
        }
        let clock = Instant::now();
        if training {
            session.pretrain_step(clips.as_batch(len), batch, 0)?;
        } else {
            session.encode(clips.as_batch(len), batch, 0)?;
        }
        // On a GPU a step returns before its work has finished.
        if let Some(pool) = &pool {
            pool.wait().map_err(|why| failed_on_gpu(&plugin, &why))?;
        }
        if step >= warm_up {
            all.push(clock.elapsed().as_secs_f64());
        }
    }
    let peak_memory_bytes = peak_memory::peak().unwrap_or_default();
    let peak_device_memory_bytes = pool.and_then(|pool| pool.peak().ok());
    let flops = plugin.flops().zip(before).map(|(after, before)| (after - before) as f64);
    let gflop_per_step = flops.map(|flops| flops / task.steps as f64 / 1e9);
    let parameters = session.parameters()?;
    let counted = parameters.iter().filter(|parameter| training || parameter.encoder);
    let parameters = counted.map(|parameter| parameter.shape.iter().product::<u64>()).sum();
    let environment = current("", task.device);
    let (min, median) = min_and_median(&all);
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    Ok(BenchResult {
        method: task.method.clone(),
        mode: task.mode,
        device: environment.device,
        cpu: environment.cpu,
        threads: environment.threads,
        shape,
        parameters,
        samples_per_second: shape.batch as f64 / median,
        seconds_per_step: StepTimes { min, median, mean, all },
        peak_memory_bytes,
        peak_device_memory_bytes,
        gflop_per_step,
        gflop_per_second: gflop_per_step.map(|gflop| gflop / median),
    })
}

fn failed_on_gpu(plugin: &Plugin, why: &str) -> Error {
    Error::Method { method: plugin.library().name().to_owned(), message: format!("a step failed on the GPU: {why}") }
}

/// The minimum and the median.
fn min_and_median(times: &[f64]) -> (f64, f64) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    (sorted[0], (sorted[middle] + sorted[(sorted.len() - 1) / 2]) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::min_and_median;

    #[test]
    fn the_median_of_an_even_number_of_times_is_the_mean_of_the_middle_two() {
        assert_eq!(min_and_median(&[5.0, 1.0, 2.0, 4.0]), (1.0, 3.0));
        assert_eq!(min_and_median(&[3.0, 1.0, 9.0]), (1.0, 3.0));
    }
}
