//! The selection of rows, systems, seeds and plugins to run.

use std::path::PathBuf;

use physrep_benchmarks::{suggestion::did_you_mean, suite::Suite};
use physrep_records::{Device, EncoderSpec, Initialisation};
use serde_json::Value;

use crate::{
    config_overrides,
    error::{Error, Result},
    plugin::MethodLibrary,
    plugin_sources::{PluginSource, plugin_sources},
};

/// The rows that need no plugin.
const FLOORS: [EncoderSpec; 2] = [EncoderSpec::Features, EncoderSpec::Mean];

/// A selection of what to run of a suite. Empty lists select everything.
#[derive(Clone, Debug, Default)]
pub struct RunSelection {
    /// Plugin crates, folders of methods or of crates, or libraries.
    pub plugins: Vec<PathBuf>,
    /// Methods or variants; `features` and `mean` are the floors.
    pub methods: Vec<String>,
    /// Systems.
    pub systems: Vec<String>,
    /// Seeds, instead of the suite's.
    pub seeds: Vec<u64>,
    /// Overrides of methods' configurations, `METHOD.KEY=VALUE`.
    pub overrides: Vec<String>,
}

/// An event while plugins are collected.
#[derive(Debug)]
pub enum SelectionEvent<'a> {
    /// A plugin crate is being built, if it is stale.
    Building(&'a std::path::Path),
    /// What cargo says while it builds.
    BuildLine(&'a str),
    /// A plugin cannot be used.
    Unusable(&'a Error),
    /// A variant is left out, because no plugin has its method.
    VariantWithoutMethod {
        /// The row.
        variant: &'a str,
        /// The method that it is a variant of.
        method: &'a str,
    },
    /// Rows of joint pretraining are left out, for this reason.
    NoJointPretraining(&'a str),
}

/// The selected encoders, and why plugins cannot be used.
#[derive(Debug)]
pub(crate) struct SelectedEncoders {
    pub encoders: Vec<EncoderSpec>,
    /// The methods of these encoders, each with the configuration of its first row.
    pub methods: Vec<(MethodLibrary, Value)>,
    pub unusable: Vec<Error>,
}

impl RunSelection {
    /// The selected systems, in the suite's order.
    pub(crate) fn systems_of(&self, suite: &Suite) -> Result<Vec<String>> {
        systems_of(suite, &self.systems)
    }

    /// The seeds to run.
    pub(crate) fn seeds_of(&self, suite: &Suite) -> Vec<u64> {
        if self.seeds.is_empty() { suite.seeds.clone() } else { self.seeds.clone() }
    }

    /// The encoders of the selected rows, in the order of the table. Stale plugin crates are built.
    pub(crate) fn encoders(
        &self,
        suite: &Suite,
        device: Device,
        listener: &dyn Fn(SelectionEvent<'_>),
    ) -> Result<SelectedEncoders> {
        let is_selected = |name: &str| self.methods.is_empty() || self.methods.iter().any(|method| method == name);
        let (mut encoders, mut methods, mut unusable) = (Vec::new(), Vec::<(MethodLibrary, Value)>::new(), Vec::new());
        let mut known: Vec<String> = FLOORS.iter().map(|floor| floor.method().to_owned()).collect();
        let only_floors = !self.methods.is_empty() && self.methods.iter().all(|method| known.contains(method));
        let sources = if only_floors { Vec::new() } else { plugin_sources(&self.plugins)? };
        let alone = sources.len() == 1;
        for source in sources {
            if let Some(folder) = source.built_from() {
                listener(SelectionEvent::Building(folder));
            }
            let plugin = match source.describe(device, &|line| listener(SelectionEvent::BuildLine(line))) {
                Ok(plugin) => plugin,
                Err(Error::Interrupted) => return Err(Error::Interrupted),
                Err(error) if self.asks_for(&source) => return Err(error),
                Err(error @ Error::Build { .. }) if alone => return Err(error),
                Err(error) => {
                    listener(SelectionEvent::Unusable(&error));
                    unusable.push(error);
                    continue;
                }
            };
            let name = plugin.name().to_owned();
            if known.contains(&name) {
                let reason = format!("there is a row `{name}` already; names must differ");
                let error = Error::Plugin { path: plugin.path().to_owned(), reason };
                listener(SelectionEvent::Unusable(&error));
                unusable.push(error);
                continue;
            }
            let defaults = &plugin.description()["default_config"];
            config_overrides::check_keys(&name, defaults, &config_overrides::of_method(&self.overrides, &name))?;
            // A variant has the method's configuration, overridden by its own.
            let own =
                config_overrides::parse(suite.methods.get(&name), config_overrides::of_method(&self.overrides, &name))?;
            let variants = suite.variants.iter().filter(|(_, method)| **method == name).map(|(row, _)| row);
            for row in std::iter::once(&name).chain(variants) {
                if known.contains(row) {
                    let reason = format!("there is a row `{row}` already; names must differ");
                    return Err(Error::Plugin { path: plugin.path().to_owned(), reason });
                }
                known.push(row.clone());
                if is_selected(row) {
                    let config = match *row == name {
                        true => own.clone(),
                        false => config_overrides::parse(
                            config_overrides::merge(Some(&own), suite.methods.get(row)).as_ref(),
                            config_overrides::of_method(&self.overrides, row),
                        )?,
                    };
                    encoders.extend(rows(&plugin, row, &config, suite.pretrain.joint));
                    if methods.last().is_none_or(|(last, _)| last.name() != name) {
                        methods.push((plugin.clone(), config));
                    }
                }
            }
        }
        self.check_names(&known, &unusable)?;
        for (variant, method) in
            suite.variants.iter().filter(|(row, method)| is_selected(row) && !known.contains(method))
        {
            listener(SelectionEvent::VariantWithoutMethod { variant, method });
        }
        encoders.extend(FLOORS.into_iter().filter(|floor| is_selected(floor.method())));
        Ok(SelectedEncoders { encoders, methods, unusable })
    }

    /// Whether the method of a plugin that cannot be used is one that is asked for, by the name of its folder: then the reason ends the run.
    fn asks_for(&self, source: &PluginSource) -> bool {
        let folder = source.path().file_name().unwrap_or_default();
        self.methods.iter().any(|method| folder == method.as_str())
    }

    /// Checks that the names of methods, in the selection and in overrides, are those of rows.
    fn check_names(&self, known: &[String], unusable: &[Error]) -> Result<()> {
        if let Some(unknown) = self.methods.iter().find(|method| !known.contains(method)) {
            let others = match unusable.len() {
                0 => String::new(),
                n => format!("; {n} cannot be used, for the reasons above"),
            };
            let meant = did_you_mean(unknown, known.iter().map(String::as_str));
            return Err(Error::Usage(format!("no method `{unknown}`{meant}; there are: {}{others}", known.join(", "))));
        }
        for setting in &self.overrides {
            let method = setting.split(['.', '=']).next().unwrap_or_default();
            if !known.iter().any(|name| name == method) {
                return Err(Error::Usage(format!(
                    "--set {}: expected METHOD.KEY=VALUE with a METHOD{} of: {}",
                    config_overrides::shown(setting),
                    did_you_mean(method, known.iter().map(String::as_str)),
                    known.join(", ")
                )));
            }
        }
        Ok(())
    }
}

/// Those of a suite's systems that are `wanted`, in the suite's order; all if none is.
///
/// # Errors
///
/// [`Error::Usage`] if the suite does not have one.
pub fn systems_of(suite: &Suite, wanted: &[String]) -> Result<Vec<String>> {
    let mut names: Vec<String> = suite.systems.iter().map(|system| system.name.clone()).collect();
    if let Some(unknown) = wanted.iter().find(|system| !names.contains(system)) {
        let known = names.join(", ");
        let meant = did_you_mean(unknown, names.iter().map(String::as_str));
        return Err(Error::Usage(format!("suite {} has no system `{unknown}`{meant}; it has: {known}", suite.name)));
    }
    names.retain(|name| wanted.is_empty() || wanted.contains(name));
    Ok(names)
}

/// The rows of the method or variant `name`: pretrained, jointly pretrained if `joint` is true and the plugin supports it, and at random
/// initialisation.
fn rows(plugin: &MethodLibrary, name: &str, config: &Value, joint: bool) -> impl Iterator<Item = EncoderSpec> {
    let joint = (joint && plugin.joint()).then_some(Initialisation::Joint);
    let states = [Some(Initialisation::Pretrained), joint, Some(Initialisation::Random)];
    states.into_iter().flatten().map(|initialisation| plugin.encoder(name, config.clone(), initialisation))
}

/// The reason why the selected `systems` of the suite do not allow joint pretraining, if there is one.
pub(crate) fn no_joint_pretraining(suite: &Suite, systems: &[String]) -> Option<&'static str> {
    match systems.len() {
        selected if selected < suite.systems.len() => Some("not all systems of the suite are selected"),
        1 => Some("the suite has a single system"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joint_rows_need_all_systems_of_the_suite_and_more_than_one() {
        let mut suite = Suite::load("tiny").expect("a suite");
        let all: Vec<String> = suite.systems.iter().map(|system| system.name.clone()).collect();
        assert_eq!(no_joint_pretraining(&suite, &all), None);
        assert!(no_joint_pretraining(&suite, &all[1..]).is_some_and(|reason| reason.contains("not all systems")));
        suite.systems.truncate(1);
        assert!(no_joint_pretraining(&suite, &all[..1]).is_some_and(|reason| reason.contains("single system")));
    }
}
