//! Suites: everything that makes the rows of a table comparable, in one file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::IoContext;
use crate::labels::{Scale, Scaling};
use crate::split::PerSplit;
use crate::system::{Resolution, System};
use crate::{Error, Result};

/// The suites that come with the program: name and text.
const EMBEDDED: &[(&str, &str)] = &[("tiny", include_str!("../suites/tiny.toml"))];

/// A suite: systems, splits, windows, budgets and seeds. A table never mixes two suites or two versions of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The name, in lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// Rises whenever results stop being comparable to earlier ones.
    pub version: u32,
    /// Decides which trajectory starts from which initial condition, and the order of samples.
    pub seed: u64,
    /// Seeds of the repeats of every method.
    pub seeds: Vec<u64>,
    /// Standard deviation of the Gaussian noise under which every clip is observed, by every method, in pretraining and
    /// in probing; in units of each channel's own deviation. arXiv:2603.13227 observes shear flow and active matter under
    /// noise, of deviation 1 in each field's unit.
    #[serde(default)]
    pub noise: f64,
    /// How trajectories are cut into windows.
    pub window: WindowPlan,
    /// The budget of pretraining.
    pub pretrain: PretrainBudget,
    /// The budgets of the probes.
    pub probe: ProbeBudgets,
    /// By method, the keys of its configuration that differ from its defaults, such as a smaller encoder. They are handed
    /// to the method as they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub methods: BTreeMap<String, serde_json::Value>,
    /// The systems, in the order of the table.
    #[serde(rename = "system")]
    pub systems: Vec<SystemSuite>,
}

/// How trajectories are cut into windows of `context + future` frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowPlan {
    /// Frames that a method encodes.
    pub context: usize,
    /// Frames after the context, which a method may learn to predict.
    pub future: usize,
    /// Frames between the starts of two windows of a trajectory.
    pub stride: PerSplit<usize>,
}

impl PretrainBudget {
    /// Optimizer steps: batches until at least `samples` windows were seen.
    pub fn steps(&self) -> u64 {
        self.samples.div_ceil(self.batch as u64)
    }
}

impl WindowPlan {
    /// Frames of one window: `context + future`.
    pub fn frames(&self) -> usize {
        self.context + self.future
    }
}

/// How much data pretraining sees; the same for every method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainBudget {
    /// Windows seen, counted with repetition.
    pub samples: u64,
    /// Windows of one optimizer step.
    pub batch: usize,
}

/// What each probe may spend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeBudgets {
    /// The attentive probe.
    pub attentive: AttentiveBudget,
}

/// Training of the attentive probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttentiveBudget {
    /// Passes over the training embeddings.
    pub epochs: usize,
    /// Windows of one optimizer step.
    pub batch: usize,
    /// AdamW's learning rate at the start of the cosine schedule.
    pub lr: f64,
    /// AdamW's decoupled weight decay.
    pub weight_decay: f64,
}

/// One system of a suite: resolution, parameter grid, initial conditions and splits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemSuite {
    /// The system's name.
    pub name: String,
    /// Grid `[nx, ny]` on which the equations are solved.
    pub solve: [usize; 2],
    /// Grid `[nx, ny]` on which frames are kept.
    pub store: [usize; 2],
    /// Frames of one trajectory, the initial one included.
    pub frames: usize,
    /// Time between two frames (non-dimensional).
    pub dt: f64,
    /// Compresses the files with gzip at this level, 1 to 9; without it they are contiguous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gzip: Option<u8>,
    /// Trajectories of each split, for each set of parameters.
    pub trajectories: PerSplit<usize>,
    /// The grid of physical parameters, in the system's order; every combination is a set of parameters.
    pub parameters: Vec<ParameterGrid>,
    /// The grid of initial conditions, in the system's order; every combination is an initial condition.
    pub initial: Vec<InitialGrid>,
}

/// The values of one physical parameter, and how it becomes a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterGrid {
    /// The parameter's name.
    pub name: String,
    /// Its values.
    pub values: Vec<f64>,
    /// Whether the label is the value or its logarithm.
    #[serde(default)]
    pub scale: Scale,
    /// Mean of the label's scaling; the grid's own when left out, together with `std`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Standard deviation of the label's scaling; the grid's own population value when left out, together with `mean`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std: Option<f64>,
}

impl ParameterGrid {
    /// How this parameter becomes a label.
    pub fn scaling(&self) -> Scaling {
        match (self.mean, self.std) {
            (Some(mean), Some(std)) => Scaling { name: self.name.clone(), scale: self.scale, mean, std },
            _ => Scaling::over(&self.name, self.scale, &self.values),
        }
    }
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

impl Suite {
    /// Names of the suites that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// The suite of that name, or the one in that file: what has a `/` or ends in `.toml` is a file.
    ///
    /// # Errors
    /// [`Error::Suite`] for an unknown name or a suite that cannot be run, [`Error::Io`] for a file that cannot be read.
    pub fn load(name_or_file: &str) -> Result<Self> {
        if name_or_file.contains('/') || name_or_file.ends_with(".toml") {
            let path = Path::new(name_or_file);
            return Self::parse(&fs::read_to_string(path).at("read", path)?, name_or_file);
        }
        match EMBEDDED.iter().find(|(name, _)| *name == name_or_file) {
            Some((name, text)) => Self::parse(text, name),
            None => {
                let known = Self::names().collect::<Vec<_>>().join(", ");
                let reason =
                    format!("there is no suite of this name; there is {known}, or give the path of a .toml file");
                Err(Error::Suite { suite: name_or_file.into(), reason })
            }
        }
    }

    /// The suite in `text`; `origin` is what messages call it.
    ///
    /// # Errors
    /// [`Error::Suite`] if the text is not a suite or says something that cannot be run.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let fail = |reason: String| Error::Suite { suite: origin.into(), reason };
        let suite: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            fail(format!("line {line}: {}", e.message().replace('\n', " ")))
        })?;
        suite.validate().map_err(fail)?;
        Ok(suite)
    }

    /// The suite's section on `system`, checked against what the system says about itself.
    ///
    /// # Errors
    /// [`Error::Suite`] if the suite does not have the system, or names other parameters or initial conditions.
    pub fn section(&self, system: &dyn System) -> Result<&SystemSuite> {
        let fail = |reason: String| Error::Suite { suite: self.name.clone(), reason };
        let section = self.systems.iter().find(|s| s.name == system.name()).ok_or_else(|| {
            let known: Vec<_> = self.systems.iter().map(|s| s.name.as_str()).collect();
            fail(format!("it has no system {}; it has {}", system.name(), known.join(", ")))
        })?;
        let check = |setting: &str, found: Vec<&str>, expected: Vec<&str>| {
            if found == expected {
                return Ok(());
            }
            Err(fail(format!(
                "system {}: `{setting}` must be {}, in this order, but is {}",
                system.name(),
                expected.join(", "),
                found.join(", ")
            )))
        };
        check(
            "parameters",
            section.parameters.iter().map(|p| p.name.as_str()).collect(),
            system.parameters().iter().map(|p| p.name).collect(),
        )?;
        check(
            "initial",
            section.initial.iter().map(|p| p.name.as_str()).collect(),
            system.initial_condition().to_vec(),
        )?;
        Ok(section)
    }

    /// What of the suite decides the results of one cell on one system: not the other systems, nor which seeds are run,
    /// nor what it tells other methods.
    pub fn deciding(&self, system: &str) -> Self {
        let mut suite = self.clone();
        suite.systems.retain(|section| section.name == system);
        suite.seeds.clear();
        suite.methods.clear();
        suite
    }

    /// The names of a system's parameters, in the order of labels; none if the suite does not have the system.
    pub fn parameter_names(&self, system: &str) -> Vec<String> {
        let sections = self.systems.iter().filter(|section| section.name == system);
        sections.flat_map(|section| &section.parameters).map(|parameter| parameter.name.clone()).collect()
    }

    fn validate(&self) -> Result<(), String> {
        plain_name("name", &self.name)?;
        at_least_one("version", self.version as usize)?;
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            return Err(format!("`noise` must be zero or positive, but is {}", self.noise));
        }
        at_least_one("window.context", self.window.context)?;
        at_least_one("window.future", self.window.future)?;
        at_least_one("window.stride.train", self.window.stride.train)?;
        at_least_one("window.stride.valid", self.window.stride.valid)?;
        at_least_one("window.stride.test", self.window.stride.test)?;
        at_least_one("pretrain.samples", self.pretrain.samples as usize)?;
        at_least_one("pretrain.batch", self.pretrain.batch)?;
        at_least_one("probe.attentive.epochs", self.probe.attentive.epochs)?;
        at_least_one("probe.attentive.batch", self.probe.attentive.batch)?;
        positive("probe.attentive.lr", self.probe.attentive.lr)?;
        let decay = self.probe.attentive.weight_decay;
        if !(decay.is_finite() && decay >= 0.0) {
            return Err(format!("`probe.attentive.weight_decay` must be zero or positive, but is {decay}"));
        }
        at_least_one("number of `seeds`", self.seeds.len())?;
        distinct("seeds", self.seeds.iter())?;
        at_least_one("number of `[[system]]` sections", self.systems.len())?;
        distinct("[[system]] names", self.systems.iter().map(|s| &s.name))?;
        for section in &self.systems {
            section.validate(&self.window).map_err(|e| format!("system {}: {e}", section.name))?;
        }
        Ok(())
    }
}

impl SystemSuite {
    /// Both grids.
    pub fn resolution(&self) -> Resolution {
        Resolution { solve: self.solve, store: self.store }
    }

    /// How each parameter becomes a label, in the order of labels.
    pub fn scalings(&self) -> Vec<Scaling> {
        self.parameters.iter().map(ParameterGrid::scaling).collect()
    }

    fn validate(&self, window: &WindowPlan) -> Result<(), String> {
        plain_name("name", &self.name)?;
        for axis in 0..2 {
            if self.store[axis] < 2 || self.store[axis] > self.solve[axis] {
                return Err(format!(
                    "`store` must be at least 2 and at most `solve` along each axis, but is {:?} with `solve` {:?}",
                    self.store, self.solve
                ));
            }
        }
        positive("dt", self.dt)?;
        if self.frames < window.frames() {
            return Err(format!(
                "`frames` must be at least window.context + window.future = {}, but is {}",
                window.frames(),
                self.frames
            ));
        }
        if self.gzip.is_some_and(|level| !(1..=9).contains(&level)) {
            return Err(format!("`gzip` must be a level from 1 to 9, but is {}", self.gzip.unwrap_or_default()));
        }
        at_least_one("trajectories.train", self.trajectories.train)?;
        at_least_one("number of `parameters`", self.parameters.len())?;
        distinct("parameters", self.parameters.iter().map(|p| &p.name))?;
        distinct("initial", self.initial.iter().map(|p| &p.name))?;
        for grid in &self.parameters {
            grid.validate().map_err(|e| format!("parameter {}: {e}", grid.name))?;
        }
        for grid in &self.initial {
            values(&grid.values).map_err(|e| format!("initial {}: {e}", grid.name))?;
        }
        let there_are = self.initial.iter().map(|g| g.values.len()).product::<usize>();
        let wanted = self.trajectories.train + self.trajectories.valid + self.trajectories.test;
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
    fn validate(&self) -> Result<(), String> {
        plain_name("name", &self.name.to_lowercase())?;
        values(&self.values)?;
        if self.scale == Scale::Log10 && self.values.iter().any(|&v| v <= 0.0) {
            return Err(format!("`scale = \"log10\"` needs positive values, but they are {:?}", self.values));
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

fn at_least_one(setting: &str, value: usize) -> Result<(), String> {
    if value == 0 { Err(format!("{setting} must be at least 1, but is 0")) } else { Ok(()) }
}

fn positive(setting: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value > 0.0 { Ok(()) } else { Err(format!("`{setting}` must be positive, but is {value}")) }
}

fn values(values: &[f64]) -> Result<(), String> {
    at_least_one("number of `values`", values.len())?;
    if values.iter().any(|v| !v.is_finite()) {
        return Err(format!("`values` must be finite, but are {values:?}"));
    }
    distinct("values", values.iter().map(|v| v.to_string()))
}

fn distinct<T: PartialEq + std::fmt::Debug>(setting: &str, items: impl Iterator<Item = T>) -> Result<(), String> {
    let mut seen = Vec::new();
    for item in items {
        if seen.contains(&item) {
            return Err(format!("`{setting}` must differ from each other, but {item:?} occurs twice"));
        }
        seen.push(item);
    }
    Ok(())
}

/// Names become file names and column headings.
fn plain_name(setting: &str, name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(plain) {
        return Ok(());
    }
    Err(format!("`{setting}` must be made of letters, digits, `-` and `_`, but is {name:?}"))
}
