//! A suite: everything that makes the rows of a table comparable, in one file.

use std::collections::BTreeMap;
use std::path::Path;

use physrep_random::keyed;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::checks::{LARGEST_BATCH, at_least_one, count, distinct, lower_case_name, not_negative};
use super::finetune_budget::FinetuneBudget;
use super::generation::Generation;
use super::pretrain_budget::PretrainBudget;
use super::probe_budgets::ProbeBudgets;
use super::system_suite::SystemSuite;
use super::tuned::Tuned;
use super::window_plan::WindowPlan;
use crate::error::IoContext;
use crate::split::Split;
use crate::suggestion::did_you_mean;
use crate::systems::System;
use crate::{Error, Result, regular_file};

/// The suites that come with the program: name and text.
const EMBEDDED: &[(&str, &str)] = &[
    ("first", include_str!("../../suites/first.toml")),
    ("tiny", include_str!("../../suites/tiny.toml")),
    ("small", include_str!("../../suites/small.toml")),
    ("paper", include_str!("../../suites/paper.toml")),
];

/// A suite: systems, splits, windows, budgets and seeds. A table never mixes two suites or two versions of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The name, in lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// Increases whenever results are no longer comparable to earlier ones.
    pub version: u32,
    /// The root of everything that is drawn: trajectories, the order of samples, the noise.
    pub seed: u64,
    /// Which trajectories are drawn from the suite's distributions: those that its published results are about for 0, and
    /// fresh ones for every other number. Nothing else depends on it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub draw: u64,
    /// Seeds of the repeats of every method.
    pub seeds: Vec<u64>,
    /// Whether each channel is shifted and scaled to mean 0 and standard deviation 1 over the training split.
    /// arXiv:2603.13227 trains on the fields as they are.
    #[serde(default = "yes")]
    pub normalise: bool,
    /// Standard deviation of the Gaussian noise under which every clip is observed, by every method, in pretraining and
    /// in probing; in units of the values that methods see: of each channel's standard deviation where fields are
    /// normalised. A system may have its own. arXiv:2603.13227 observes shear flow and active matter under noise of
    /// standard deviation 1 in each field's unit, and Rayleigh-Bénard convection without noise.
    #[serde(default)]
    pub noise: f64,
    /// How trajectories are cut into windows.
    pub window: WindowPlan,
    /// The budget of pretraining.
    pub pretrain: PretrainBudget,
    /// The budgets of the probes.
    pub probe: ProbeBudgets,
    /// The budget of the end-to-end track, in which labels train the encoder, too; without it the suite has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finetune: Option<FinetuneBudget>,
    /// By method, the keys of its configuration that differ from its defaults, such as a smaller encoder. They are
    /// passed to the method unchanged.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub methods: BTreeMap<String, serde_json::Value>,
    /// Rows of a method under another configuration, by their names: the method. Their own keys, in
    /// [`methods`](Self::methods) under the row's name, override the method's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: BTreeMap<String, String>,
    /// By method or variant, how its keys in [`methods`](Self::methods) were tuned; what is not here never was by the
    /// budget that is the same for all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tuning: BTreeMap<String, Tuned>,
    /// The systems, in the order of the table.
    #[serde(rename = "system")]
    pub systems: Vec<SystemSuite>,
}

fn yes() -> bool {
    true
}

fn is_zero(draw: &u64) -> bool {
    *draw == 0
}

impl Suite {
    /// Names of the suites that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// The suite of that name, or the one in that file: what has a `/` or ends in `.toml` is a file.
    ///
    /// # Errors
    /// [`Error::Suite`] for an unknown name or a suite that cannot be run, [`Error::Io`] for a file that cannot be
    /// read.
    pub fn load(name_or_file: &str) -> Result<Self> {
        if name_or_file.contains('/') || name_or_file.ends_with(".toml") {
            let path = Path::new(name_or_file);
            return Self::parse(&regular_file::read_text(path).at("read", path)?, name_or_file);
        }
        match EMBEDDED.iter().find(|(name, _)| *name == name_or_file) {
            Some((name, text)) => Self::parse(text, name),
            None => {
                let known = Self::names().collect::<Vec<_>>().join(", ");
                let meant = did_you_mean(name_or_file, Self::names());
                let reason = format!(
                    "there is no suite of this name{meant}; there is {known}, or give the path of a .toml file"
                );
                Err(Error::Suite { suite: name_or_file.into(), reason })
            }
        }
    }

    /// The suite in `text`; `origin` is what messages call it.
    ///
    /// # Errors
    /// [`Error::Suite`] if the text is not a suite or cannot be run.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let fail = |reason: String| Error::Suite { suite: origin.into(), reason };
        let suite: Self = toml::from_str(text).map_err(|e| {
            let line =
                e.span().map_or(1, |span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
            fail(format!("line {line}: {}", e.message().replace('\n', " ")))
        })?;
        suite.check().map_err(fail)?;
        Ok(suite)
    }

    /// The suite's section on `system`, checked against what the system says about itself.
    ///
    /// # Errors
    /// [`Error::Suite`] if the suite does not have the system, or names other parameters, initial conditions or
    /// constants.
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
        if let Some(generation) = &section.generate {
            check(
                "initial",
                generation.initial.iter().map(|p| p.name.as_str()).collect(),
                system.initial_condition().to_vec(),
            )?;
            let known: Vec<&str> = system.constants().iter().map(|constant| constant.name).collect();
            if let Some(unknown) = generation.constants.keys().find(|name| !known.contains(&name.as_str())) {
                let known = if known.is_empty() { "none".into() } else { known.join(", ") };
                return Err(fail(format!(
                    "system {}: `constants` must be among those of the system, {known}, but one is {unknown}",
                    system.name()
                )));
            }
        }
        Ok(section)
    }

    /// How the suite generates `system`, with its section.
    ///
    /// # Errors
    /// Those of [`section`](Self::section), and [`Error::Suite`] if the system's data is published and not generated.
    pub fn generation(&self, system: &dyn System) -> Result<(&SystemSuite, &Generation)> {
        let section = self.section(system)?;
        let reason = || {
            format!(
                "it takes {0} from The Well's published files: `physrep-bench data fetch {0}` downloads them",
                system.name()
            )
        };
        let published = || Error::Suite { suite: self.name.clone(), reason: reason() };
        Ok((section, section.generate.as_ref().ok_or_else(published)?))
    }

    /// The seed that trajectories are drawn with.
    pub fn data_seed(&self) -> u64 {
        match self.draw {
            0 => self.seed,
            draw => keyed("physrep-bench 2 draw", &[&self.seed.to_le_bytes(), &draw.to_le_bytes()]).random(),
        }
    }

    /// The part of the suite that determines the results of a cell whose encoder saw `systems`: without other systems,
    /// the seeds and rows that are run, the configurations of methods, and how these were tuned.
    pub fn deciding(&self, systems: &[&str]) -> Self {
        let mut suite = self.clone();
        suite.systems.retain(|section| systems.contains(&section.name.as_str()));
        suite.pretrain.joint = false;
        suite.seeds.clear();
        suite.methods.clear();
        suite.variants.clear();
        suite.tuning.clear();
        suite
    }

    /// How trajectories of `system` are cut into windows.
    pub fn window_on(&self, system: &str) -> WindowPlan {
        let section = self.systems.iter().find(|section| section.name == system);
        section.map_or(self.window, |section| section.window(&self.window))
    }

    /// The standard deviation of the noise under which clips of `system` are observed.
    pub fn noise_on(&self, system: &str) -> f64 {
        let section = self.systems.iter().find(|section| section.name == system);
        section.and_then(|section| section.noise).unwrap_or(self.noise)
    }

    /// The splits of a system; none if the suite does not have the system.
    pub fn splits(&self, system: &str) -> Vec<Split> {
        self.systems.iter().filter(|section| section.name == system).flat_map(SystemSuite::splits).collect()
    }

    /// The names of a system's parameters, in the order of labels; none if the suite does not have the system.
    pub fn parameter_names(&self, system: &str) -> Vec<String> {
        let sections = self.systems.iter().filter(|section| section.name == system);
        sections.flat_map(|section| &section.parameters).map(|parameter| parameter.name.clone()).collect()
    }

    /// Checks what the suite says, as [`parse`](Self::parse) does: for one that a record has.
    ///
    /// # Errors
    /// Which setting must be what, and what it is.
    pub fn check(&self) -> Result<(), String> {
        lower_case_name("name", &self.name)?;
        at_least_one("version", self.version as usize)?;
        not_negative("noise", self.noise)?;
        at_least_one("window.context", self.window.context)?;
        at_least_one("window.future", self.window.future)?;
        count("pretrain.samples", self.pretrain.samples, 1_000_000_000_000)?;
        count("pretrain.batch", self.pretrain.batch, LARGEST_BATCH)?;
        self.probe.check()?;
        if let Some(finetune) = &self.finetune {
            finetune.check()?;
        }
        for (name, method) in &self.variants {
            lower_case_name("variants", name)?;
            if self.variants.contains_key(method) {
                return Err(format!("a variant must be of a method, but `{name}` is of `{method}`, a variant itself"));
            }
        }
        self.tuning.iter().try_for_each(|(method, tuned)| tuned.check(method))?;
        count("number of `seeds`", self.seeds.len(), 10_000)?;
        distinct("seeds", self.seeds.iter())?;
        count("number of `[[system]]` sections", self.systems.len(), 100)?;
        distinct("[[system]] names", self.systems.iter().map(|s| &s.name))?;
        for section in &self.systems {
            section.check(&self.window).map_err(|e| format!("system {}: {e}", section.name))?;
        }
        Ok(())
    }
}
