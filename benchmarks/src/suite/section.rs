//! One system of a suite.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::WindowPlan;
use super::checks::{at_least_one, distinct, not_negative, numbers, plain_name, positive};
use crate::labels::{Scale, Scaling};
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
    /// The grid of physical parameters, in the system's order; every combination is a set of parameters.
    pub parameters: Vec<ParameterGrid>,
    /// How the data is generated; without it, the files are The Well's published ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generation>,
}

/// How the data of a system is generated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// Grid `[nx, ny]` on which the equations are solved.
    pub solve: [usize; 2],
    /// Compresses the files with gzip at this level, 1 to 9; without it they are contiguous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gzip: Option<u8>,
    /// Trajectories for each set of parameters: in train, valid and test for a set of `values`, in held-out for a set with
    /// one of the `held_out` values.
    pub trajectories: PerSplit<usize>,
    /// Values of the system's constants that differ from their defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constants: BTreeMap<String, f64>,
    /// The grid of initial conditions, in the system's order; every combination is an initial condition.
    pub initial: Vec<InitialGrid>,
}

/// The values of one physical parameter, and how it becomes a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterGrid {
    /// The parameter's name.
    pub name: String,
    /// Its values in train, valid and test.
    pub values: Vec<f64>,
    /// Values that only the held-out split has, alone or together with `values` of other parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out: Vec<f64>,
    /// Whether the label is the value or its logarithm.
    #[serde(default)]
    pub scale: Scale,
    /// Mean of the label's scaling; that of `values` when left out, together with `std`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Standard deviation of the label's scaling; the population value of `values` when left out, together with `mean`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std: Option<f64>,
}

/// The values of one number that picks an initial condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitialGrid {
    /// The number's name.
    pub name: String,
    /// Its values.
    pub values: Vec<f64>,
}

impl SystemSuite {
    /// Both grids of a generation.
    pub fn resolution(&self, generation: &Generation) -> Resolution {
        Resolution { solve: generation.solve, store: self.store }
    }

    /// The suite's `window` with what this system says otherwise.
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
        self.parameters.iter().map(ParameterGrid::scaling).collect()
    }

    /// The splits there are: those with trajectories, or The Well's three.
    pub fn splits(&self) -> impl Iterator<Item = Split> {
        Split::ALL.into_iter().filter(|&split| match &self.generate {
            Some(generation) => generation.trajectories[split] > 0,
            None => Split::PUBLISHED.contains(&split),
        })
    }

    pub(super) fn check(&self, window: &WindowPlan) -> Result<(), String> {
        plain_name("name", &self.name)?;
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
        if self.resize.is_some_and(|grid| grid.contains(&0)) {
            return Err(format!("`resize` must be at least 1 along each axis, but is {:?}", self.resize));
        }
        positive("dt", self.dt)?;
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
        for grid in &self.parameters {
            grid.check().map_err(|e| format!("parameter {}: {e}", grid.name))?;
        }
        let held_out = self.parameters.iter().any(|grid| !grid.held_out.is_empty());
        match &self.generate {
            Some(generation) => generation.check(self.store, held_out)?,
            None if held_out => return Err("`held_out` values need generated data, which `generate` describes".into()),
            None => {}
        }
        for split in self.splits() {
            at_least_one(&format!("stride.{split} of windows"), self.window(window).stride[split])?;
        }
        Ok(())
    }
}

impl Generation {
    fn check(&self, store: [usize; 2], held_out: bool) -> Result<(), String> {
        for axis in 0..2 {
            if store[axis] > self.solve[axis] {
                return Err(format!(
                    "`store` must be at most `generate.solve` along each axis, but is {store:?} with {:?}",
                    self.solve
                ));
            }
        }
        if self.gzip.is_some_and(|level| !(1..=9).contains(&level)) {
            return Err(format!("`gzip` must be a level from 1 to 9, but is {}", self.gzip.unwrap_or_default()));
        }
        let PerSplit { train, valid, test, held_out: beyond } = self.trajectories;
        at_least_one("trajectories.train", train)?;
        if held_out != (beyond > 0) {
            return Err(format!(
                "`held_out` values and `trajectories.held_out` belong together, but there are {} values and {beyond} \
                 trajectories",
                if held_out { "some" } else { "no" }
            ));
        }
        if let Some((name, value)) = self.constants.iter().find(|(_, value)| !value.is_finite()) {
            return Err(format!("constant {name} must be finite, but is {value}"));
        }
        distinct("initial", self.initial.iter().map(|p| &p.name))?;
        for grid in &self.initial {
            at_least_one("number of `values`", grid.values.len())
                .and_then(|()| numbers("values", &grid.values))
                .map_err(|e| format!("initial {}: {e}", grid.name))?;
        }
        let there_are = self.initial.iter().map(|g| g.values.len()).product::<usize>();
        let wanted = (train + valid + test).max(beyond);
        if wanted > there_are {
            return Err(format!(
                "`trajectories` asks for {wanted} initial conditions for each set of parameters, but `initial` has \
                 {there_are}, and none may occur twice; ask for fewer or extend `initial`"
            ));
        }
        Ok(())
    }
}

impl ParameterGrid {
    /// All its values, those of the held-out split last.
    pub fn all(&self) -> Vec<f64> {
        [self.values.as_slice(), &self.held_out].concat()
    }

    /// How this parameter becomes a label.
    pub fn scaling(&self) -> Scaling {
        match (self.mean, self.std) {
            (Some(mean), Some(std)) => Scaling { name: self.name.clone(), scale: self.scale, mean, std },
            _ => Scaling::over(&self.name, self.scale, &self.values),
        }
    }

    fn check(&self) -> Result<(), String> {
        plain_name("name", &self.name.to_lowercase())?;
        at_least_one("number of `values`", self.values.len())?;
        numbers("values", &self.all())?;
        if self.scale == Scale::Log10 && self.all().iter().any(|&v| v <= 0.0) {
            return Err(format!("`scale = \"log10\"` needs positive values, but they are {:?}", self.all()));
        }
        match (self.mean, self.std) {
            (None, None) if self.values.len() < 2 => {
                Err("needs two `values` at least, or a `mean` and `std`: one value alone has no spread".into())
            }
            (None, None) => Ok(()),
            (Some(mean), Some(std)) if mean.is_finite() && std.is_finite() && std > 0.0 => Ok(()),
            (Some(mean), Some(std)) => {
                Err(format!("`mean` and `std` must be finite and `std` positive, but are {mean} and {std}"))
            }
            _ => Err("give both `mean` and `std`, or neither to take them from the grid".into()),
        }
    }
}
