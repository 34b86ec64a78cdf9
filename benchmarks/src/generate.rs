//! Generates the data of a suite's system: solves its equations for every trajectory and writes The Well's files.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::atomic_file::{create_folder, replace_with};
use crate::error::IoContext;
use crate::parts::Parts;
use crate::progress::Progress;
use crate::settings::Settings;
use crate::split::Split;
use crate::suite::{Generation, Suite, SystemSuite, Trajectory, trajectories};
use crate::systems::{Frame, System};
use crate::well::{self, WellAxis, WellLayout, WellWriter, compute_stats, description_yaml, stats_yaml};
use crate::{Error, Result};

/// What [`generate`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Identifies the data: equal keys mean equal bytes.
    pub key: String,
    /// Files of all splits.
    pub files: usize,
    /// Trajectories of all splits.
    pub trajectories: usize,
    /// Trajectories solved in this call; the others were there.
    pub simulated: usize,
}

/// Generates what is missing of `system`'s data in `data`: files, `stats.yaml` and a description.
///
/// `threads` trajectories are solved at a time (0: one a core). Progress counts frames. Whenever this ends early, by an
/// error, by the caller's wish or by the process's death, finished trajectories are kept in `data/<system>/.parts`, and
/// the next call goes on from there; the files' bytes depend on neither that nor the number of threads. Where everything
/// is there already, nothing is done.
///
/// # Errors
/// [`Error::Suite`] if the suite's section does not fit the system or does not generate; [`Error::Folder`] if `data` holds data of other
/// settings, or another process works there; [`Error::Simulation`] if a trajectory cannot be solved; [`Error::Stopped`] if
/// `progress` asked for it; [`Error::Io`] and [`Error::Hdf5`] for what cannot be read or written.
pub fn generate(
    suite: &Suite,
    system: &dyn System,
    data: &Path,
    threads: usize,
    progress: &dyn Progress,
) -> Result<Summary> {
    let (section, generation) = suite.generation(system)?;
    let settings = Settings::of(suite.seed, section, generation, system);
    let folder = data.join(system.name());
    let plan = plan(section, generation, suite.seed, data);
    let description = folder.join(format!("{}.yaml", system.name()));
    let statistics = well::stats_file(data, system.name());
    let trajectories = plan.iter().map(|file| file.trajectories.len()).sum();
    let summary = |simulated| Summary { key: settings.key.clone(), files: plan.len(), trajectories, simulated };

    settings.claim(&folder)?;
    let unfinished = folder.join(".parts");
    let complete = plan.iter().all(|file| file.path.exists()) && statistics.exists() && description.exists();
    if complete && !unfinished.exists() {
        return Ok(summary(0));
    }
    let parts = Parts::open(&unfinished, &settings.key)?;
    for split in section.splits() {
        create_folder(&well::split_folder(data, system.name(), split))?;
    }
    let run = Run {
        section,
        generation,
        system,
        parts: &parts,
        meter: Meter::new(trajectories * section.frames, progress),
        simulated: AtomicUsize::new(0),
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(io::Error::other)
        .at("start the threads to generate", &folder)?;
    pool.install(|| plan.par_iter().try_for_each(|file| run.file(file)))?;

    let train: Vec<&PlannedFile> = plan.iter().filter(|file| file.split == Split::Train).collect();
    let computed = compute_stats(train.iter().map(|file| file.path.as_path()))?;
    replace_with(&statistics, stats_yaml(&computed).as_bytes())?;
    let layouts: Vec<WellLayout> = train.iter().map(|file| run.layout(file)).collect();
    replace_with(&description, description_yaml(&layouts).as_bytes())?;
    let simulated = run.simulated.into_inner();
    parts.close()?;
    Ok(summary(simulated))
}

/// The key of the data in `data/<system>`: of what [`generate`] wrote there, or nothing if it comes
/// from elsewhere.
///
/// # Errors
/// [`Error::Folder`] if it was generated with settings other than the suite's, [`Error::Suite`] if the suite's section
/// does not fit the system.
pub fn key(suite: &Suite, system: &dyn System, data: &Path) -> Result<Option<String>> {
    let section = suite.section(system)?;
    let Some(generation) = &section.generate else {
        return Ok(None);
    };
    let wanted = Settings::of(suite.seed, section, generation, system);
    match Settings::read(&data.join(system.name()))? {
        None => Ok(None),
        Some(found) => wanted.check(found, &data.join(system.name())).map(Some),
    }
}

/// One file to be: a split of a set of parameters.
pub(crate) struct PlannedFile {
    pub split: Split,
    pub path: PathBuf,
    pub trajectories: Vec<Trajectory>,
}

/// The files of a generated section, in the order of their trajectories.
pub(crate) fn plan(section: &SystemSuite, generation: &Generation, seed: u64, data: &Path) -> Vec<PlannedFile> {
    let trajectories = trajectories(section, generation, seed);
    trajectories
        .chunk_by(|a, b| (a.split, a.set) == (b.split, b.set))
        .map(|chunk| {
            let split = chunk[0].split;
            let names = section.parameters.iter().map(|p| p.name.as_str());
            let name = well::file_name(&section.name, names.zip(chunk[0].case.parameters.iter().copied()));
            let path = well::split_folder(data, &section.name, split).join(name);
            PlannedFile { split, path, trajectories: chunk.to_vec() }
        })
        .collect()
}

/// What the threads of one generation share.
struct Run<'a> {
    section: &'a SystemSuite,
    generation: &'a Generation,
    system: &'a dyn System,
    parts: &'a Parts,
    meter: Meter<'a>,
    simulated: AtomicUsize,
}

impl Run<'_> {
    fn file(&self, file: &PlannedFile) -> Result<()> {
        if file.path.exists() {
            return self.meter.advance(file.trajectories.len() * self.section.frames, "already there");
        }
        let layout = self.layout(file);
        file.trajectories.par_iter().try_for_each(|trajectory| self.trajectory(trajectory, &layout))?;
        let lengths: Vec<usize> = layout.fields.iter().map(|f| layout.frame_len(f) * self.section.frames).collect();
        let writer = WellWriter::create(&file.path, layout, self.generation.gzip)?;
        for (index, trajectory) in file.trajectories.iter().enumerate() {
            let values = self.parts.read(trajectory, lengths.iter().sum())?.ok_or_else(|| {
                Error::folder(&file.path, "a trajectory of this file was damaged while it was kept; run again")
            })?;
            let mut rest = values.as_slice();
            for (field, &length) in lengths.iter().enumerate() {
                let (values, after) = rest.split_at(length);
                writer.write(index, field, values)?;
                rest = after;
            }
        }
        writer.finish()?;
        file.trajectories.iter().try_for_each(|trajectory| self.parts.remove(trajectory))
    }

    fn trajectory(&self, trajectory: &Trajectory, layout: &WellLayout) -> Result<()> {
        let lengths: Vec<usize> = layout.fields.iter().map(|f| layout.frame_len(f)).collect();
        let frames = self.section.frames;
        if self.parts.read(trajectory, lengths.iter().sum::<usize>() * frames)?.is_some() {
            return self.meter.advance(frames, "already there");
        }
        let case = describe_case(self.section, self.generation, trajectory);
        let fail = |reason: String| Error::Simulation { system: self.system.name().into(), case: case.clone(), reason };
        let mut fields: Vec<Vec<f32>> = lengths.iter().map(|n| Vec::with_capacity(n * frames)).collect();
        let mut seen = 0;
        let mut on_frame = |frame: &Frame<'_>| {
            seen += 1;
            if seen > frames || !frame.fields.iter().map(|f| f.len()).eq(lengths.iter().copied()) {
                let came: Vec<_> = frame.fields.iter().map(|f| f.len()).collect();
                return Err(fail(format!(
                    "the solver gave frame {seen} of {frames} with {came:?} values where {lengths:?} belong"
                )));
            }
            for ((kept, new), field) in fields.iter_mut().zip(frame.fields).zip(&layout.fields) {
                if new.iter().any(|v| !v.is_finite()) {
                    return Err(fail(format!(
                        "{} is no longer finite at time {}; raise `solve`, or leave out these parameters",
                        field.name, frame.time
                    )));
                }
                kept.extend_from_slice(new);
            }
            self.meter.advance(1, &case)
        };
        let section = self.section;
        let resolution = section.resolution(self.generation);
        let constants = section.constants(self.system);
        self.system.simulate(&constants, &trajectory.case, &resolution, frames, section.dt, &mut on_frame)?;
        if seen != frames {
            return Err(fail(format!("the solver gave {seen} frames instead of {frames}")));
        }
        self.parts.write(trajectory, &fields)?;
        self.simulated.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn layout(&self, file: &PlannedFile) -> WellLayout {
        let section = self.section;
        let parameters = &file.trajectories[0].case.parameters;
        let values = section.constants(self.system);
        let axes = self.system.axes_with(&values);
        let axis = |i: usize| WellAxis {
            name: axes[i].name.clone(),
            boundary: axes[i].boundary,
            coordinates: axes[i].coordinates(section.store[i]).into_iter().map(|x| x as f32).collect(),
        };
        let constants = self.system.constants().iter().zip(values).filter(|(constant, _)| constant.in_files);
        let constants = constants.map(|(constant, value)| (constant.name.to_owned(), value));
        let parameters = section.parameters.iter().map(|p| p.name.clone()).zip(parameters.iter().copied());
        WellLayout {
            dataset: section.name.clone(),
            trajectories: file.trajectories.len(),
            times: (0..section.frames).map(|j| j as f64 * section.dt).collect(),
            axes: [axis(0), axis(1)],
            fields: self.system.fields(),
            scalars: constants.chain(parameters).collect(),
        }
    }
}

/// Counts frames and passes on the wish to stop.
struct Meter<'a> {
    done: AtomicUsize,
    total: usize,
    stopped: AtomicBool,
    progress: &'a dyn Progress,
}

impl<'a> Meter<'a> {
    fn new(total: usize, progress: &'a dyn Progress) -> Self {
        Self { done: AtomicUsize::new(0), total, stopped: AtomicBool::new(false), progress }
    }

    fn advance(&self, frames: usize, note: &str) -> Result<()> {
        let done = self.done.fetch_add(frames, Ordering::Relaxed) + frames;
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        match self.progress.report(done, self.total, note) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                self.stopped.store(true, Ordering::Relaxed);
                Err(Error::Stopped)
            }
        }
    }
}

/// `Reynolds 200, Schmidt 0.5, n_shear 2, ...`
fn describe_case(section: &SystemSuite, generation: &Generation, trajectory: &Trajectory) -> String {
    let parameters = section.parameters.iter().map(|p| &p.name).zip(&trajectory.case.parameters);
    let initial = generation.initial.iter().map(|p| &p.name).zip(&trajectory.case.initial);
    parameters.chain(initial).map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}
