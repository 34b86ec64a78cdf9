//! Generates the data of a suite's system: solves its equations for every trajectory and writes The Well's files.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::assignment::{self, Trajectory};
use crate::error::IoContext;
use crate::files::{create_folder, replace_with};
use crate::parts::Parts;
use crate::progress::Progress;
use crate::split::Split;
use crate::suite::{Suite, SystemSuite};
use crate::system::{Boundary, Frame, Rank, System};
use crate::well::{self, GridAxis, Layout, WellWriter, stats};
use crate::{Error, Result};

/// Rises whenever the files of the same settings would differ from earlier ones.
const GENERATOR: u32 = 1;

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
/// [`Error::Suite`] if the suite's section does not fit the system; [`Error::Folder`] if `data` holds data of other
/// settings, or another process works there; [`Error::Simulation`] if a trajectory cannot be solved; [`Error::Stopped`] if
/// `progress` asked for it; [`Error::Io`] and [`Error::Hdf5`] for what cannot be read or written.
pub fn generate(
    suite: &Suite,
    system: &dyn System,
    data: &Path,
    threads: usize,
    progress: &dyn Progress,
) -> Result<Summary> {
    let section = suite.section(system)?;
    let settings = Settings::of(suite.seed, section, system);
    let folder = data.join(system.name());
    let plan = plan(section, suite.seed, data);
    let description = folder.join(format!("{}.yaml", system.name()));
    let statistics = well::stats_file(data, system.name());
    let trajectories = plan.iter().map(|file| file.trajectories.len()).sum();
    let summary = |simulated| Summary {
        key: settings.key.clone(),
        files: plan.len(),
        trajectories,
        simulated,
    };

    settings.claim(&folder)?;
    if plan.iter().all(|file| file.path.exists()) && statistics.exists() && description.exists() {
        return Ok(summary(0));
    }
    let parts = Parts::open(&folder.join(".parts"), &settings.key)?;
    for split in Split::ALL {
        create_folder(&well::split_folder(data, system.name(), split))?;
    }
    let generation = Generation {
        section,
        system,
        parts: &parts,
        meter: Meter::new(trajectories * section.frames, progress),
        simulated: AtomicUsize::new(0),
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| Error::Simulation {
            system: system.name().into(),
            case: "all trajectories".into(),
            reason: format!("cannot start {threads} threads ({e}); ask for fewer"),
        })?;
    pool.install(|| plan.par_iter().try_for_each(|file| generation.file(file)))?;

    let train = well::split_files(data, system.name(), Split::Train)?;
    replace_with(
        &statistics,
        stats::to_yaml(&stats::compute(&train)?).as_bytes(),
    )?;
    replace_with(&description, describe(section, system, &plan).as_bytes())?;
    let simulated = generation.simulated.into_inner();
    parts.close()?;
    Ok(summary(simulated))
}

/// The key of the data in `data/<system>`: of what [`generate`] wrote there, or nothing if it comes from elsewhere.
///
/// # Errors
/// [`Error::Folder`] if it was generated with settings other than the suite's, [`Error::Suite`] if the suite's section
/// does not fit the system.
pub fn key(suite: &Suite, system: &dyn System, data: &Path) -> Result<Option<String>> {
    let wanted = Settings::of(suite.seed, suite.section(system)?, system);
    match Settings::read(&data.join(system.name()))? {
        None => Ok(None),
        Some(found) => wanted.check(found, &data.join(system.name())).map(Some),
    }
}

/// Everything that the bytes of the data depend on.
#[derive(Serialize, Deserialize)]
struct Settings {
    key: String,
    settings: Map<String, Value>,
}

impl Settings {
    fn of(seed: u64, section: &SystemSuite, system: &dyn System) -> Self {
        let values = |name: &str, values: &[f64]| json!({ "name": name, "values": values });
        let entries = [
            ("generator", json!(GENERATOR)),
            ("system", json!(system.name())),
            ("system_version", json!(system.version())),
            ("seed", json!(seed)),
            ("solve", json!(section.solve)),
            ("store", json!(section.store)),
            ("frames", json!(section.frames)),
            ("dt", json!(section.dt)),
            ("gzip", json!(section.gzip)),
            ("trajectories", json!(section.trajectories)),
            (
                "parameters",
                section
                    .parameters
                    .iter()
                    .map(|p| values(&p.name, &p.values))
                    .collect(),
            ),
            (
                "initial",
                section
                    .initial
                    .iter()
                    .map(|p| values(&p.name, &p.values))
                    .collect(),
            ),
        ];
        let settings: Map<_, _> = entries
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect();
        let text = Value::Object(settings.clone()).to_string();
        Self {
            key: blake3::hash(text.as_bytes()).to_hex().to_string(),
            settings,
        }
    }

    fn file(folder: &Path) -> PathBuf {
        folder.join("generated.json")
    }

    fn read(folder: &Path) -> Result<Option<Self>> {
        let path = Self::file(folder);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read(&path).at("read", &path)?;
        let found = serde_json::from_slice(&text).map_err(|e| {
            Error::format(
                &path,
                "file",
                "the settings of generated data",
                e.to_string(),
            )
        })?;
        Ok(Some(found))
    }

    /// Marks an empty folder as that of these settings; refuses one of other settings, or with data from elsewhere.
    fn claim(&self, folder: &Path) -> Result<()> {
        if let Some(found) = Self::read(folder)? {
            return self.check(found, folder).map(drop);
        }
        if folder.join("data").exists() {
            let reason = "it holds data that was not generated here; choose another folder";
            return Err(Error::folder(folder, reason));
        }
        create_folder(folder)?;
        let text = serde_json::to_vec_pretty(self).expect("settings are plain JSON");
        replace_with(&Self::file(folder), &text)
    }

    fn check(&self, found: Self, folder: &Path) -> Result<String> {
        if found.key == self.key {
            return Ok(found.key);
        }
        let differ: Vec<_> = self
            .settings
            .iter()
            .filter(|(name, value)| found.settings.get(*name) != Some(value))
            .map(|(name, value)| {
                format!(
                    "{name} {} instead of {value}",
                    found.settings.get(name).unwrap_or(&Value::Null)
                )
            })
            .collect();
        let reason = format!(
            "it holds data generated with other settings ({}); choose another folder, or delete this one",
            differ.join("; ")
        );
        Err(Error::folder(folder, reason))
    }
}

/// One file to be: a split of a set of parameters.
pub(crate) struct PlannedFile {
    pub split: Split,
    pub path: PathBuf,
    pub trajectories: Vec<Trajectory>,
}

/// The files of a section, in the order of their trajectories.
pub(crate) fn plan(section: &SystemSuite, seed: u64, data: &Path) -> Vec<PlannedFile> {
    let trajectories = assignment::trajectories(section, seed);
    trajectories
        .chunk_by(|a, b| (a.split, a.set) == (b.split, b.set))
        .map(|chunk| {
            let split = chunk[0].split;
            let names = section.parameters.iter().map(|p| p.name.as_str());
            let name = well::file_name(
                &section.name,
                names.zip(chunk[0].case.parameters.iter().copied()),
            );
            let path = well::split_folder(data, &section.name, split).join(name);
            PlannedFile {
                split,
                path,
                trajectories: chunk.to_vec(),
            }
        })
        .collect()
}

/// What the threads of one generation share.
struct Generation<'a> {
    section: &'a SystemSuite,
    system: &'a dyn System,
    parts: &'a Parts,
    meter: Meter<'a>,
    simulated: AtomicUsize,
}

impl Generation<'_> {
    fn file(&self, file: &PlannedFile) -> Result<()> {
        if file.path.exists() {
            return self.meter.advance(
                file.trajectories.len() * self.section.frames,
                "already there",
            );
        }
        let layout = self.layout(file);
        file.trajectories
            .par_iter()
            .try_for_each(|trajectory| self.trajectory(trajectory, &layout))?;
        let lengths: Vec<usize> = layout
            .fields
            .iter()
            .map(|f| layout.frame_len(f) * self.section.frames)
            .collect();
        let writer = WellWriter::create(&file.path, layout, self.section.gzip)?;
        for (index, trajectory) in file.trajectories.iter().enumerate() {
            let values = self
                .parts
                .read(trajectory, lengths.iter().sum())?
                .ok_or_else(|| {
                    Error::folder(
                        &file.path,
                        "a trajectory of this file was damaged while it was kept; run again",
                    )
                })?;
            let mut rest = values.as_slice();
            for (field, &length) in lengths.iter().enumerate() {
                let (values, after) = rest.split_at(length);
                writer.write(index, field, values)?;
                rest = after;
            }
        }
        writer.finish()?;
        file.trajectories
            .iter()
            .try_for_each(|trajectory| self.parts.remove(trajectory))
    }

    fn trajectory(&self, trajectory: &Trajectory, layout: &Layout) -> Result<()> {
        let lengths: Vec<usize> = layout.fields.iter().map(|f| layout.frame_len(f)).collect();
        let frames = self.section.frames;
        if self
            .parts
            .read(trajectory, lengths.iter().sum::<usize>() * frames)?
            .is_some()
        {
            return self.meter.advance(frames, "already there");
        }
        let case = describe_case(self.section, trajectory);
        let fail = |reason: String| Error::Simulation {
            system: self.system.name().into(),
            case: case.clone(),
            reason,
        };
        let mut fields: Vec<Vec<f32>> = lengths
            .iter()
            .map(|n| Vec::with_capacity(n * frames))
            .collect();
        let mut seen = 0;
        let mut on_frame = |frame: &Frame<'_>| {
            seen += 1;
            if seen > frames
                || !frame
                    .fields
                    .iter()
                    .map(|f| f.len())
                    .eq(lengths.iter().copied())
            {
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
        self.system.simulate(
            &trajectory.case,
            &section.resolution(),
            frames,
            section.dt,
            &mut on_frame,
        )?;
        if seen != frames {
            return Err(fail(format!(
                "the solver gave {seen} frames instead of {frames}"
            )));
        }
        self.parts.write(trajectory, &fields)?;
        self.simulated.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn layout(&self, file: &PlannedFile) -> Layout {
        let section = self.section;
        let parameters = &file.trajectories[0].case.parameters;
        let axes = self.system.axes();
        let axis = |i: usize| GridAxis {
            name: axes[i].name.clone(),
            boundary: axes[i].boundary,
            coordinates: self
                .system
                .coordinates(i, section.store[i])
                .into_iter()
                .map(|x| x as f32)
                .collect(),
        };
        Layout {
            dataset: section.name.clone(),
            trajectories: file.trajectories.len(),
            times: (0..section.frames).map(|j| j as f64 * section.dt).collect(),
            axes: [axis(0), axis(1)],
            fields: self.system.fields(),
            scalars: section
                .parameters
                .iter()
                .map(|p| p.name.clone())
                .zip(parameters.iter().copied())
                .collect(),
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
        Self {
            done: AtomicUsize::new(0),
            total,
            stopped: AtomicBool::new(false),
            progress,
        }
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
fn describe_case(section: &SystemSuite, trajectory: &Trajectory) -> String {
    let parameters = section
        .parameters
        .iter()
        .map(|p| &p.name)
        .zip(&trajectory.case.parameters);
    let initial = section
        .initial
        .iter()
        .map(|p| &p.name)
        .zip(&trajectory.case.initial);
    parameters
        .chain(initial)
        .map(|(name, value)| format!("{name} {value}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The text of `<system>.yaml`, The Well's description of a data set; counts are those of the training split.
fn describe(section: &SystemSuite, system: &dyn System, plan: &[PlannedFile]) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let fields = system.fields();
    let train: Vec<_> = plan
        .iter()
        .filter(|file| file.split == Split::Train)
        .collect();
    let mut boundaries: Vec<String> = system
        .axes()
        .iter()
        .map(|a| boundary_name(a.boundary).to_owned())
        .collect();
    boundaries.dedup();
    let mut yaml = format!(
        "dataset_name: {}\nn_spatial_dims: 2\nspatial_resolution: [{}, {}]\nscalar_names: []\nconstant_scalar_names: {}\nfield_names:\n",
        section.name,
        section.store[0],
        section.store[1],
        list(section.parameters.iter().map(|p| p.name.clone()).collect()),
    );
    for rank in Rank::ALL {
        let names = fields.iter().filter(|f| f.rank == rank).flat_map(|f| {
            rank.suffixes()
                .iter()
                .map(|suffix| format!("{}{suffix}", f.name))
        });
        yaml += &format!("  {}: {}\n", rank.order(), list(names.collect()));
    }
    yaml += &format!(
        "constant_field_names:\n  0: []\n  1: []\n  2: []\nboundary_condition_types: {}\nn_files: {}\n\
         n_trajectories_per_file: {}\nn_steps_per_trajectory: {}\ngrid_type: cartesian\n",
        list(boundaries),
        train.len(),
        list(
            train
                .iter()
                .map(|file| file.trajectories.len().to_string())
                .collect()
        ),
        list(train.iter().map(|_| section.frames.to_string()).collect()),
    );
    yaml
}

fn boundary_name(boundary: Boundary) -> &'static str {
    well::schema::boundary_type(boundary)
}
