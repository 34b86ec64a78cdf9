//! Pretraining of one session on one system or on several: batches in the suite's order, curves, and checkpoints to go
//! on from.

mod curves;
mod position;
mod record;

use std::{
    fs,
    ops::Range,
    thread,
    time::{Duration, Instant},
};

use physrep_benchmarks::{
    Split,
    packed::{Packed, WindowOrder},
    suite::{PretrainBudget, Suite},
};
use serde_json::Value;

use crate::{
    Error, Result,
    cell::PretrainingFolder,
    device::{Device, staging::Staging},
    files, interrupt,
    loader::{Loader, Plan, threads_beside_computation},
    meter::Meter,
    observe::{Look, observe},
    plugin::{Checkpoint, Geometry, Session},
    result::PhaseCost,
};

pub use curves::Curves;
use position::Position;
pub use record::{Pretrained, Record};

/// What is pretrained on what.
#[derive(Clone, Copy)]
pub struct Pretraining<'a> {
    /// Gives the budget, the order and the noise.
    pub suite: &'a Suite,
    /// The data of each system, in the suite's order.
    pub data: &'a [Packed],
    /// The method.
    pub method: &'a str,
    /// The keys of its configuration that differ from the defaults.
    pub config: &'a Value,
    /// Where it lies.
    pub folder: &'a PretrainingFolder,
    /// Where the method computes.
    pub device: Device,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
}

/// The steps of pretraining on `systems` systems: the suite's for each.
pub fn steps(budget: &PretrainBudget, systems: usize) -> u64 {
    budget.steps() * systems as u64
}

/// A clip of the pretraining of one of several systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clip {
    system: usize,
    /// Counted over what is seen of this system.
    sample: u64,
}

/// The system whose turn is at a step: one after the other.
fn system_at(step: u64, systems: usize) -> usize {
    (step % systems as u64) as usize
}

/// The clips of `steps`, batch by batch. Each system sees its own samples in their order, as if it were alone.
fn clips(steps: Range<u64>, systems: usize, batch: usize) -> impl Iterator<Item = Clip> + Send {
    steps.flat_map(move |step| {
        let (system, first) = (system_at(step, systems), step / systems as u64 * batch as u64);
        (first..first + batch as u64).map(move |sample| Clip { system, sample })
    })
}

/// Pretrains `session`, unless that was done before and its state only has to be loaded. Returns what it cost over all
/// attempts.
///
/// `report` hears of the start and of every step: steps done, of how many, and the step's loss.
pub fn run(
    task: &Pretraining<'_>,
    session: &mut Session<'_>,
    curves: &Curves,
    report: impl FnMut(u64, u64, Option<f64>) -> Result<()>,
) -> Result<PhaseCost> {
    if let Some(record) = Record::read(task.folder)? {
        session.load(&files::read(&task.folder.state())?, Checkpoint::State)?;
        curves.take(Curves::read(&task.folder.curves())?);
        return Ok(record.cost);
    }
    let cost = train(task, session, curves, report)?;
    files::write(&task.folder.state(), &session.save()?)?;
    let systems = task.data.iter().map(|data| {
        let header = data.header();
        Pretrained { system: header.system.clone(), geometry: Geometry::of(header) }
    });
    let record =
        Record { method: task.method.to_owned(), config: task.config.clone(), systems: systems.collect(), cost };
    files::write_json(&task.folder.record(), &record)?;
    // The state takes its place.
    let _ = fs::remove_file(task.folder.checkpoint());
    Ok(cost)
}

/// Takes the steps that are left after the checkpoint, if there is one, and writes the curves.
fn train(
    task: &Pretraining<'_>,
    session: &mut Session<'_>,
    curves: &Curves,
    mut report: impl FnMut(u64, u64, Option<f64>) -> Result<()>,
) -> Result<PhaseCost> {
    let Pretraining { suite, data, folder, .. } = *task;
    let batch = suite.pretrain.batch;
    let steps = steps(&suite.pretrain, data.len());
    let frames = suite.window.frames();
    let shapes: Vec<_> = data.iter().map(|data| Geometry::of(data.header()).shape(batch, frames)).collect();
    let windows = data.iter().map(|data| data.windows(Split::Train, &suite.window_on(&data.header().system)));
    let mut orders: Vec<_> = windows.map(|windows| (WindowOrder::new(suite.seed, windows.len()), windows)).collect();

    let mut start = Position::START;
    if folder.checkpoint().is_file() {
        start = Position::load(&folder.checkpoint(), session)?;
    }
    curves.restore(&folder.curves(), start.step)?;
    report(start.step, steps, None)?;
    let meter = Meter::start(task.device);
    // What it cost up to a step, over all attempts.
    let cost = |step: u64| start.cost.and(meter.cost(0), step * batch as u64);
    let mut saved = Instant::now();
    let looks = clips(start.step..steps, data.len(), batch).map(move |Clip { system, sample }| {
        let (order, windows) = &mut orders[system];
        (system, windows[order.window(sample)], Look::Pretraining(sample))
    });
    let plan = Plan { batch, threads: threads_beside_computation(), staging: Staging::at(session.place()) };
    let clip_len = |&(system, ..): &(usize, _, _)| data[system].clip_len(frames);
    thread::scope(|scope| -> Result<()> {
        let loader = Loader::spawn(scope, plan, looks, clip_len, |&(system, window, look), clip| {
            observe(&data[system], suite, window, frames, look, clip)
        })?;
        let mut step = start.step;
        while let Some(clips) = loader.next()? {
            let system = system_at(step, data.len());
            let told = session.pretrain_step(clips.lend(), shapes[system], system)?;
            if !told.loss.is_finite() {
                return Err(Error::Method {
                    method: task.method.to_owned(),
                    message: format!("the loss is {} at step {step}", told.loss),
                });
            }
            curves.record("loss", step, told.loss);
            curves.record("learning_rate", step, told.learning_rate);
            step += 1;
            curves.follow(&folder.curves(), step)?;
            if interrupt::requested() || (saved.elapsed() >= task.checkpoint_every && step < steps) {
                curves.flush(&folder.curves(), step)?;
                Position { step, cost: cost(step) }.save(&folder.checkpoint(), session)?;
                saved = Instant::now();
            }
            report(step, steps, Some(told.loss))?;
        }
        let (waited, all) = (loader.waited().as_secs_f64(), meter.cost(0).seconds);
        eprintln!("Info: pretraining waited {waited:.3} s of {all:.1} s for data");
        Ok(())
    })?;
    curves.flush(&folder.curves(), steps)?;
    Ok(cost(steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The samples of one system in the order in which `steps` see them.
    fn samples(steps: Range<u64>, systems: usize, system: usize) -> Vec<u64> {
        clips(steps, systems, 4).filter(|clip| clip.system == system).map(|clip| clip.sample).collect()
    }

    #[test]
    fn systems_take_turns_and_see_the_samples_that_they_see_alone() {
        let alone: Vec<u64> = (0..24).collect();
        assert_eq!(samples(0..6, 1, 0), alone);
        for system in 0..3 {
            assert_eq!(samples(0..18, 3, system), alone);
        }
        let turns: Vec<usize> = clips(0..6, 3, 4).map(|clip| clip.system).collect();
        assert_eq!(turns, [[0; 4], [1; 4], [2; 4], [0; 4], [1; 4], [2; 4]].concat());
    }

    #[test]
    fn a_pretraining_that_goes_on_sees_what_it_had_not_seen() {
        let whole: Vec<Clip> = clips(0..18, 3, 4).collect();
        let halves: Vec<Clip> = clips(0..7, 3, 4).chain(clips(7..18, 3, 4)).collect();
        assert_eq!(whole, halves);
    }
}
