//! One system of a suite.

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, count, distinct, grid, lower_case_name, not_negative, positive};
use super::generation::Generation;
use super::parameter::Parameter;
use super::regimes::Regimes;
use super::window_plan::WindowPlan;
use crate::label_scale::Scaling;
use crate::split::{PerSplit, Split};
use crate::systems::{Resolution, System};

/// One system of a suite: its files, what of them methods see, its parameters, and how the files come about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemSuite {
    /// The system's name.
    pub name: String,
    /// Grid `[nx, ny]` of the files.
    pub store: [usize; 2],
    /// Frames of one trajectory, the initial one included.
    pub frames: usize,
    /// Time between two frames (non-dimensional).
    pub dt: f64,
    /// The first frame that a window may begin with, if it differs from the suite's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<usize>,
    /// Frames between the starts of two windows of a trajectory, if they differ from the suite's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<PerSplit<usize>>,
    /// The noise on this system, if it differs from the suite's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// The points `[first, end)` of each axis that methods see; all of them when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<[[usize; 2]; 2]>,
    /// The grid `[nx, ny]` to which frames are resized after the crop, for methods to see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<[usize; 2]>,
    /// The physical parameters, in the system's order.
    pub parameters: Vec<Parameter>,
    /// How the data is generated; without it, the files are The Well's published ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generation>,
}

/// The most frames of a trajectory.
const MOST_FRAMES: u64 = 100_000;

/// The longest time between two frames: solvers take thousands of steps per unit, and stop between frames.
const LONGEST_DT: f64 = 1e3;

impl SystemSuite {
    /// Both grids of a generation.
    pub fn resolution(&self, generation: &Generation) -> Resolution {
        Resolution { solve: generation.solve, store: self.store }
    }

    /// The suite's `window`, with this system's own values.
    pub fn window(&self, window: &WindowPlan) -> WindowPlan {
        WindowPlan {
            first: self.first.unwrap_or(window.first),
            stride: self.stride.unwrap_or(window.stride),
            ..*window
        }
    }

    /// The values of the system's constants, in its order: those that the suite sets, and defaults.
    pub fn constants(&self, system: &dyn System) -> Vec<f64> {
        let set = |name| self.generate.as_ref().and_then(|generation| generation.constants.get(name)).copied();
        system.constants().iter().map(|constant| set(constant.name).unwrap_or(constant.default)).collect()
    }

    /// How each parameter becomes a label, in the order of labels.
    pub fn scalings(&self) -> Vec<Scaling> {
        let regimes = self.generate.as_ref().and_then(|generation| generation.regimes);
        let variance = Regimes::unit_variance(regimes, self.parameters.len());
        self.parameters.iter().map(|parameter| parameter.scaling(variance)).collect()
    }

    /// The splits that the system has: those with trajectories, or The Well's three.
    pub fn splits(&self) -> impl Iterator<Item = Split> {
        Split::ALL.into_iter().filter(|&split| match &self.generate {
            Some(generation) => generation.trajectories[split] > 0,
            None => Split::PUBLISHED.contains(&split),
        })
    }

    pub(super) fn check(&self, window: &WindowPlan) -> Result<(), String> {
        lower_case_name("name", &self.name)?;
        if let Some(noise) = self.noise {
            not_negative("noise", noise)?;
        }
        if self.store.iter().any(|&n| n < 2) {
            return Err(format!("`store` must be at least 2 along each axis, but is {:?}", self.store));
        }
        for (axis, [first, end]) in self.crop.iter().flatten().enumerate() {
            if end <= first || *end > self.store[axis] {
                return Err(format!(
                    "`crop` must keep points of the grid {:?} as [[first, end], [first, end]], but is {:?}",
                    self.store,
                    self.crop.unwrap_or_default()
                ));
            }
        }
        grid("store", self.store)?;
        grid("resize", self.resize.unwrap_or(self.store))?;
        positive("dt", self.dt)?;
        if self.dt > LONGEST_DT {
            return Err(format!("`dt` must be at most {LONGEST_DT}, but is {}", self.dt));
        }
        count("`frames`", self.frames, MOST_FRAMES)?;
        let first = self.window(window).first;
        if self.frames.checked_sub(first).is_none_or(|rest| rest < window.frames()) {
            return Err(format!(
                "`frames` must be at least window.context + window.future = {} from the `first` frame {first} on, but is {}",
                window.frames(),
                self.frames
            ));
        }
        at_least_one("number of `parameters`", self.parameters.len())?;
        distinct("parameters", self.parameters.iter().map(|p| &p.name))?;
        for parameter in &self.parameters {
            let checked = parameter.check(self.generate.is_some());
            checked.map_err(|e| format!("parameter {}: {e}", parameter.name))?;
        }
        if let Some(generation) = &self.generate {
            generation.check(self.store)?;
        }
        for split in self.splits() {
            at_least_one(&format!("stride.{split} of windows"), self.window(window).stride[split])?;
        }
        Ok(())
    }
}
