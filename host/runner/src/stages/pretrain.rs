//! Pretraining of a method on one system or on several: batches in the suite's order, training curves, and checkpoints to resume
//! from.

use std::{
    ops::Range,
    thread,
    time::{Duration, Instant},
};

use physrep_abi::LoadScope;
use physrep_benchmarks::{
    Split,
    packed::{NoiseStream, Packed, WindowOrder, load_clip},
    suite::{PretrainBudget, Suite},
};
use physrep_records::{Curves, Digest, PhaseCost, PretrainingFolder, files, sealed};
use serde_json::Value;

use super::{
    checkpoint::Checkpoint,
    pretraining_record::{PretrainedSystem, PretrainingRecord},
};
use crate::{
    error::{Error, Result},
    events::{Phase, PhaseProgress},
    interrupt,
    method_process::{MethodProcess, Metric},
    phase_timer::PhaseTimer,
    plugin::Geometry,
    prefetch::{Loader, PrefetchSettings, threads_beside_computation},
    progress::Progress,
};

/// A pretraining to run.
#[derive(Clone, Copy)]
pub struct Pretraining<'a> {
    /// The suite, which sets the budget, the order of windows and the noise.
    pub suite: &'a Suite,
    /// The data of each system, in the suite's order.
    pub data: &'a [Packed],
    /// The method.
    pub method: &'a str,
    /// The keys of its configuration that differ from the defaults.
    pub config: &'a Value,
    /// The folder of the pretraining.
    pub folder: &'a PretrainingFolder,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
}

/// The number of steps of pretraining on `systems` systems: the suite's number for each.
pub fn steps(budget: &PretrainBudget, systems: usize) -> u64 {
    budget.steps() * systems as u64
}

/// A pretraining clip of one of several systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clip {
    system: usize,
    /// The index of the clip among those of this system.
    sample: u64,
}

/// The system of a step: systems alternate.
fn system_at(step: u64, systems: usize) -> usize {
    (step % systems as u64) as usize
}

/// The clips of `steps`, batch by batch. The samples of each system are the same, in the same order, as in a pretraining on it alone.
fn clips(steps: Range<u64>, systems: usize, batch: usize) -> impl Iterator<Item = Clip> + Send {
    steps.flat_map(move |step| {
        let (system, first) = (system_at(step, systems), step / systems as u64 * batch as u64);
        (first..first + batch as u64).map(move |sample| Clip { system, sample })
    })
}

/// Pretrains `method`, or loads its state if the pretraining is done. Returns the cost over all attempts.
pub fn run(
    task: &Pretraining<'_>,
    method: &mut MethodProcess,
    curves: &Curves,
    progress: &mut Progress<'_>,
) -> Result<PhaseCost> {
    if let Some((record, state)) = PretrainingRecord::read_intact(task.folder)? {
        files::remove(&task.folder.checkpoint())?;
        method.load(&state, LoadScope::Full)?;
        curves.replace(Curves::read(&task.folder.curves())?);
        return Ok(record.cost);
    }
    let cost = train(task, method, curves, progress)?;
    if let Some((record, _)) = PretrainingRecord::read_intact(task.folder)? {
        // Another process has done the same work: the first record stays.
        return Ok(record.cost);
    }
    curves.write(&task.folder.curves(), steps(&task.suite.pretrain, task.data.len()))?;
    let state = method.save()?;
    files::write(&task.folder.state(), &state)?;
    let systems = task.data.iter().map(|data| {
        let header = data.header();
        PretrainedSystem { system: header.system.clone(), geometry: Geometry::of(header) }
    });
    let record = PretrainingRecord {
        digest: Digest::default(),
        state: blake3::hash(&state).to_hex().to_string(),
        // Not of the file, which another process may have written since.
        curves: curves.digest(steps(&task.suite.pretrain, task.data.len())),
        method: task.method.to_owned(),
        config: task.config.clone(),
        systems: systems.collect(),
        cost,
    };
    sealed::write(&task.folder.record(), &record)?;
    // Another process may have written its unfinished curves meanwhile; once there is a record, none does.
    if files::checksum(&task.folder.curves())? != record.curves {
        curves.write(&task.folder.curves(), steps(&task.suite.pretrain, task.data.len()))?;
    }
    // The final state replaces the checkpoint.
    files::remove(&task.folder.checkpoint())?;
    Ok(cost)
}

/// Runs all steps, or those after the checkpoint if there is one, and writes the curves.
fn train(
    task: &Pretraining<'_>,
    method: &mut MethodProcess,
    curves: &Curves,
    progress: &mut Progress<'_>,
) -> Result<PhaseCost> {
    let Pretraining { suite, data, folder, .. } = *task;
    let batch = suite.pretrain.batch;
    let steps = steps(&suite.pretrain, data.len());
    let frames = suite.window.frames();
    let shapes: Vec<_> = data.iter().map(|data| Geometry::of(data.header()).shape(batch, frames)).collect();
    let windows = data.iter().map(|data| data.windows(Split::Train, &suite.window_on(&data.header().system)));
    let mut orders: Vec<_> = windows.map(|windows| (WindowOrder::new(suite.seed, windows.len()), windows)).collect();

    let start = match Checkpoint::load(folder, method, curves)? {
        Some(checkpoint) => checkpoint,
        None => {
            curves.restore(&folder.curves(), 0)?;
            Checkpoint::start()
        }
    };
    progress.report(Phase::Pretrain, start.step, steps)?;
    let timer = PhaseTimer::start_with(method)?;
    // The total cost of all attempts up to a step.
    let cost = |step: u64, method: &mut MethodProcess| -> Result<PhaseCost> {
        Ok(start.cost.and(timer.cost_with(0, method)?, step * batch as u64))
    };
    let started = Instant::now();
    let mut saved = started;
    let items = clips(start.step..steps, data.len(), batch).map(move |Clip { system, sample }| {
        let (order, windows) = &mut orders[system];
        (system, windows[order.window(sample)], NoiseStream::Pretraining(sample))
    });
    let settings = PrefetchSettings { batch, threads: threads_beside_computation(), staging: method.staging() };
    let clip_len = |&(system, ..): &(usize, _, _)| data[system].clip_len(frames);
    thread::scope(|scope| -> Result<()> {
        let loader = Loader::spawn(scope, settings, items, clip_len, |&(system, window, noise), clip| {
            Ok(load_clip(&data[system], suite, window, frames, noise, clip)?)
        })?;
        let mut step = start.step;
        while let Some(clips) = loader.next()? {
            let system = system_at(step, data.len());
            let (report, metrics) = method.pretrain_step(clips.part()?, shapes[system], system)?;
            if !report.loss.is_finite() {
                return Err(Error::Method {
                    method: task.method.to_owned(),
                    message: format!("the loss is {} at step {step}", report.loss),
                });
            }
            // One that comes late would be in the curves or not, as it happens.
            for Metric { name, step, value } in metrics.into_iter().filter(|metric| metric.step == step) {
                curves.record(&name, step, value);
            }
            curves.record("loss", step, report.loss);
            curves.record("learning_rate", step, report.learning_rate);
            step += 1;
            // Once another process has finished this pretraining, its files stay as they are.
            let is_done = folder.record().is_file();
            if !is_done {
                curves.follow(&folder.curves(), step)?;
            }
            if !is_done && (interrupt::requested() || (saved.elapsed() >= task.checkpoint_every && step < steps)) {
                curves.write(&folder.curves(), step)?;
                Checkpoint { step, cost: cost(step, method)?, curves: curves.digest(step) }.save(folder, method)?;
                saved = Instant::now();
            }
            progress.report_figures(PhaseProgress {
                phase: Phase::Pretrain,
                done: step,
                total: steps,
                loss: Some(report.loss),
                clips_per_second: Some(((step - start.step) * batch as u64) as f64 / started.elapsed().as_secs_f64()),
            })?;
        }
        let (waited, all) = (loader.waited().as_secs_f64(), timer.seconds());
        log::info!("pretraining waited {waited:.3} s of {all:.1} s for data");
        Ok(())
    })?;
    cost(steps, method)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The samples of one system in `steps`, in order.
    fn samples(steps: Range<u64>, systems: usize, system: usize) -> Vec<u64> {
        clips(steps, systems, 4).filter(|clip| clip.system == system).map(|clip| clip.sample).collect()
    }

    #[test]
    fn systems_alternate_and_have_the_samples_of_a_pretraining_on_one_system() {
        let alone: Vec<u64> = (0..24).collect();
        assert_eq!(samples(0..6, 1, 0), alone);
        for system in 0..3 {
            assert_eq!(samples(0..18, 3, system), alone);
        }
        let systems: Vec<usize> = clips(0..6, 3, 4).map(|clip| clip.system).collect();
        assert_eq!(systems, [[0; 4], [1; 4], [2; 4], [0; 4], [1; 4], [2; 4]].concat());
    }

    #[test]
    fn a_resumed_pretraining_has_exactly_the_remaining_clips() {
        let whole: Vec<Clip> = clips(0..18, 3, 4).collect();
        let halves: Vec<Clip> = clips(0..7, 3, 4).chain(clips(7..18, 3, 4)).collect();
        assert_eq!(whole, halves);
    }
}
