//! Solves trajectories and writes them to files of The Well.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::frame_counter::FrameCounter;
use super::plan::PlannedFile;
use super::trajectory_cache::TrajectoryCache;
use crate::suite::{Generation, SystemSuite, Trajectory};
use crate::systems::{Frame, System};
use crate::well::{WellAxis, WellLayout, WellScalar, WellWriter};
use crate::{Error, Result};

/// What the threads of one generation share.
pub(super) struct TrajectorySolver<'a> {
    pub section: &'a SystemSuite,
    pub generation: &'a Generation,
    pub system: &'a dyn System,
    pub cache: &'a TrajectoryCache,
    pub counter: FrameCounter<'a>,
    pub simulated: AtomicUsize,
}

impl TrajectorySolver<'_> {
    /// Writes one file, once all its trajectories are solved.
    pub fn file(&self, file: &PlannedFile) -> Result<()> {
        if file.path.exists() {
            return self.counter.advance(file.trajectories.len() * self.section.frames, "already there");
        }
        let layout = self.layout(file);
        file.trajectories.par_iter().try_for_each(|trajectory| self.trajectory(trajectory, &layout))?;
        let lengths: Vec<usize> = layout.fields.iter().map(|f| layout.frame_len(f) * self.section.frames).collect();
        let mut writer = WellWriter::create(&file.path, layout, self.generation.gzip)?;
        for (index, trajectory) in file.trajectories.iter().enumerate() {
            let values = self.cache.read(trajectory, lengths.iter().sum())?.ok_or_else(|| {
                Error::folder(&file.path, "a cached trajectory of this file is damaged; run the same command again")
            })?;
            let mut rest = values.as_slice();
            for (field, &length) in lengths.iter().enumerate() {
                let (values, after) = rest.split_at(length);
                writer.write(index, field, values)?;
                rest = after;
            }
        }
        writer.finish()?;
        file.trajectories.iter().try_for_each(|trajectory| self.cache.remove(trajectory))
    }

    /// Solves one trajectory, unless it is in the cache.
    fn trajectory(&self, trajectory: &Trajectory, layout: &WellLayout) -> Result<()> {
        let lengths: Vec<usize> = layout.fields.iter().map(|f| layout.frame_len(f)).collect();
        let frames = self.section.frames;
        if self.cache.read(trajectory, lengths.iter().sum::<usize>() * frames)?.is_some() {
            return self.counter.advance(frames, "already there");
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
                    "expected fields of {lengths:?} values, but those of frame {seen} of {frames} have {came:?}"
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
            self.counter.advance(1, &case)
        };
        let section = self.section;
        let resolution = section.resolution(self.generation);
        let constants = section.constants(self.system);
        self.system.simulate(&constants, &trajectory.case, &resolution, frames, section.dt, &mut on_frame)?;
        if seen != frames {
            return Err(fail(format!("expected {frames} frames, but the solver gave {seen}")));
        }
        self.cache.write(trajectory, &fields)?;
        self.simulated.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The layout of one file.
    pub fn layout(&self, file: &PlannedFile) -> WellLayout {
        let section = self.section;
        let values = section.constants(self.system);
        let axes = self.system.axes_with(&values);
        let axis = |i: usize| WellAxis {
            name: axes[i].name.clone(),
            boundary: axes[i].boundary,
            coordinates: axes[i].coordinates(section.store[i]).into_iter().map(|x| x as f32).collect(),
        };
        let constants = self.system.constants().iter().zip(values).filter(|(constant, _)| constant.in_files);
        let constants =
            constants.map(|(constant, value)| WellScalar { name: constant.name.into(), values: vec![value] });
        let parameters = section.parameters.iter().enumerate().map(|(index, parameter)| WellScalar {
            name: parameter.name.clone(),
            values: file.trajectories.iter().map(|trajectory| trajectory.case.parameters[index]).collect(),
        });
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

/// `Reynolds 200, Schmidt 0.5, n_shear 2, ...`
fn describe_case(section: &SystemSuite, generation: &Generation, trajectory: &Trajectory) -> String {
    let parameters = section.parameters.iter().map(|p| &p.name).zip(&trajectory.case.parameters);
    let initial = generation.initial.iter().map(|p| &p.name).zip(&trajectory.case.initial);
    parameters.chain(initial).map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}
