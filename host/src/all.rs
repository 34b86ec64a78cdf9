//! `physrep-bench all`: data if missing, plugin crates if stale, cells if not done, tables.

use std::path::{Path, PathBuf};

use physrep_benchmarks::{generate, suite::Suite, systems};
use serde_json::Value;

use crate::{
    Error, Result,
    cell::{Cell, Encoder, Initialisation, Source},
    crates,
    data::pack,
    device::{Choice, Device, describe},
    display::{Display, seconds},
    files, interrupt, overrides,
    plan::Plan,
    plugin::Plugin,
    report,
    standings::Standings,
    supervise::{self, Policy},
    table,
};

/// What to run.
#[derive(Clone, Debug)]
pub struct All {
    /// A suite's name, or the path of a suite file.
    pub suite: String,
    /// Where data lies or is to be generated; by default `data/SUITE`.
    pub data: Option<PathBuf>,
    /// Where results go; by default `runs/SUITE`.
    pub out: Option<PathBuf>,
    /// Plugin crates, folders of crates, or libraries; empty for the checkout's.
    pub plugins: Vec<PathBuf>,
    /// Only these methods; empty for all.
    pub methods: Vec<String>,
    /// Only these systems; empty for all of the suite.
    pub systems: Vec<String>,
    /// These seeds instead of the suite's.
    pub seeds: Vec<u64>,
    /// `METHOD.KEY=VALUE` overrides of the methods' configurations.
    pub set: Vec<String>,
    /// Where methods compute.
    pub device: Choice,
    /// How cells are run.
    pub policy: Policy,
}

/// Names of the rows that need no plugin.
const FLOORS: [&str; 2] = ["features", "mean"];

/// Runs everything and prints the tables. The number of cells without a result comes back.
pub fn run(all: &All) -> Result<usize> {
    interrupt::heed_signals()?;
    let display = Display::default();
    let suite = Suite::load(&all.suite)?;
    let data = all.data.clone().unwrap_or_else(|| PathBuf::from("data").join(&suite.name));
    let out = all.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&suite.name));
    let _claim = files::claim(&out)?;
    let (device, note) = all.device.resolve()?;
    display.line(&note.unwrap_or_else(|| format!("device: {}", describe(device))));
    let (mut methods, broken) = methods(all, &suite, device, &display)?;
    let systems = systems(all, &suite)?;
    if let Some(reason) = alone(&suite, &systems) {
        let before = methods.len();
        methods.retain(|encoder| encoder.initialisation() != Initialisation::Joint);
        if methods.len() < before {
            display.line(&reason);
        }
    }
    let seeds = if all.seeds.is_empty() { suite.seeds.clone() } else { all.seeds.clone() };
    let threads = all.policy.threads * all.policy.jobs;
    let sources: Vec<Source> =
        systems.iter().map(|system| prepare(&suite, system, &data, threads, &display)).collect::<Result<_>>()?;
    let cells = cells(&suite, &sources, &methods, &seeds, device);
    Plan::of(&cells).write(&out)?;
    supervise::run(&cells, &out, &all.policy, &display)?;

    let standings = Standings::read(&out)?;
    files::write(&out.join("scores.csv"), table::tidy(&standings)?.as_bytes())?;
    files::write(&out.join("table.md"), table::markdown(&standings).as_bytes())?;
    files::write(&out.join("table.tex"), table::latex(&standings).as_bytes())?;
    let (page, _) = report::write(&out, &standings, &out.join("report"))?;
    println!("{}", table::terminal(&standings));
    let written = ["scores.csv", "table.md", "table.tex"].map(|name| out.join(name)).into_iter().chain([page]);
    let written: Vec<String> = written.map(|path| path.display().to_string()).collect();
    println!("written: {}", written.join(", "));
    for error in &broken {
        eprintln!("left out: {error}");
    }
    Ok(standings.incomplete() + broken.len())
}

/// The rows of the table that were asked for, and the plugins that cannot take part.
fn methods(all: &All, suite: &Suite, device: Device, display: &Display) -> Result<(Vec<Encoder>, Vec<Error>)> {
    let wanted = |name: &str| all.methods.is_empty() || all.methods.iter().any(|method| method == name);
    let mut encoders = Vec::new();
    let mut broken = Vec::new();
    let mut known: Vec<String> = FLOORS.map(str::to_owned).to_vec();
    let only_floors = !all.methods.is_empty() && all.methods.iter().all(|m| FLOORS.contains(&m.as_str()));
    let sources = if only_floors { Vec::new() } else { crates::sources(&all.plugins)? };
    for source in sources {
        if let crates::Source::Crate(folder) = &source {
            display.line(&format!("building {}", folder.display()));
        }
        let plugin = match source.library(device).and_then(|library| Plugin::open(&library)) {
            Ok(plugin) => plugin,
            Err(error) => {
                display.line(&error.to_string());
                broken.push(error);
                continue;
            }
        };
        let name = plugin.name().to_owned();
        // A variant has the method's configuration, and its own on top.
        let own = overrides::parse(suite.methods.get(&name), overrides::of_method(&all.set, &name))?;
        let variants = suite.variants.iter().filter(|(_, method)| **method == name).map(|(row, _)| row);
        for row in std::iter::once(&name).chain(variants) {
            if known.contains(row) {
                let reason = format!("there is a row `{row}` already; names must differ");
                return Err(Error::Plugin { path: plugin.path().to_owned(), reason });
            }
            known.push(row.clone());
            if wanted(row) {
                let config = match *row == name {
                    true => own.clone(),
                    false => overrides::parse(
                        overrides::merge(Some(&own), suite.methods.get(row)).as_ref(),
                        overrides::of_method(&all.set, row),
                    )?,
                };
                encoders.extend(rows(&plugin, row, &config, suite.pretrain.joint));
            }
        }
    }
    if let Some(unknown) = all.methods.iter().find(|method| !known.contains(method)) {
        return Err(Error::Usage(format!("no method `{unknown}`; there are: {}", known.join(", "))));
    }
    for setting in &all.set {
        let method = setting.split(['.', '=']).next().unwrap_or_default();
        if !known.iter().any(|name| name == method) {
            return Err(Error::Usage(format!(
                "--set {setting}: expected METHOD.KEY=VALUE with a METHOD of: {}",
                known.join(", ")
            )));
        }
    }
    for (row, method) in suite.variants.iter().filter(|(row, method)| wanted(row) && !known.contains(method)) {
        display.line(&format!("left out: `{row}`, a variant of `{method}`, which there is not"));
    }
    encoders.extend(wanted("features").then_some(Encoder::Features));
    encoders.extend(wanted("mean").then_some(Encoder::Mean));
    Ok((encoders, broken))
}

/// The rows of a method, or of its variant, called `name`: as pretrained, as pretrained on all systems together if that is
/// asked for and the plugin can, and as its weights are drawn.
fn rows(plugin: &Plugin, name: &str, config: &Value, joint: bool) -> impl Iterator<Item = Encoder> {
    let joint = (joint && plugin.joint()).then_some(Initialisation::Joint);
    let states = [Some(Initialisation::Pretrained), joint, Some(Initialisation::Random)];
    states.into_iter().flatten().map(|initialisation| Encoder::Plugin {
        name: name.to_owned(),
        library: plugin.path().to_owned(),
        checksum: plugin.checksum().to_owned(),
        config: config.clone(),
        initialisation,
    })
}

/// All cells, in the order of the table.
fn cells(suite: &Suite, sources: &[Source], encoders: &[Encoder], seeds: &[u64], device: Device) -> Vec<Cell> {
    let mut cells = Vec::new();
    for data in sources {
        for encoder in encoders {
            let joint = encoder.initialisation() == Initialisation::Joint;
            cells.extend(seeds.iter().map(|&seed| Cell {
                suite: suite.clone(),
                data: data.clone(),
                joint: if joint { sources.to_vec() } else { Vec::new() },
                encoder: encoder.clone(),
                seed,
                device,
            }));
        }
    }
    cells
}

/// Why nothing is pretrained on several systems together, if `systems`, of those of the suite, do not allow it.
fn alone(suite: &Suite, systems: &[String]) -> Option<String> {
    let reason = match systems.len() {
        selected if selected < suite.systems.len() => "not all systems of the suite are selected",
        1 => "the suite has one system alone",
        _ => return None,
    };
    Some(format!("rows of joint pretraining are left out: {reason}"))
}

/// The systems that were asked for, in the suite's order.
fn systems(all: &All, suite: &Suite) -> Result<Vec<String>> {
    let mut names: Vec<String> = suite.systems.iter().map(|system| system.name.clone()).collect();
    if let Some(unknown) = all.systems.iter().find(|system| !names.contains(system)) {
        let known = names.join(", ");
        return Err(Error::Usage(format!("suite {} has no system `{unknown}`; it has: {known}", suite.name)));
    }
    names.retain(|name| all.systems.is_empty() || all.systems.contains(name));
    Ok(names)
}

/// Generates and packs what is missing of a system's data.
pub(crate) fn prepare(suite: &Suite, system: &str, data: &Path, threads: usize, display: &Display) -> Result<Source> {
    let clock = std::time::Instant::now();
    let task = format!("{system} data");
    let progress = |done: usize, total: usize, note: &str| {
        display.progress(&task, "generate", done as u64, total as u64, note);
        interrupt::flow()
    };
    let solver = systems::named(system)?;
    if suite.section(solver)?.generate.is_some() {
        generate::generate(suite, solver, data, threads, &progress)?;
    }
    let file = physrep_benchmarks::packed::packed_file(suite, system, data);
    let packed = pack(suite, system, data, &file, display, &task)?;
    display.finish(&task, &format!("ready in {}", seconds(clock.elapsed().as_secs_f64())));
    Ok(Source { system: system.to_owned(), path: packed.path().to_owned(), checksum: packed.header().checksum.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joint_rows_need_several_systems_and_all_of_them() {
        let mut suite = Suite::load("tiny").expect("a suite");
        let all: Vec<String> = suite.systems.iter().map(|system| system.name.clone()).collect();
        assert_eq!(alone(&suite, &all), None);
        assert!(alone(&suite, &all[1..]).is_some_and(|reason| reason.contains("not all systems")));
        suite.systems.truncate(1);
        assert!(alone(&suite, &all[..1]).is_some_and(|reason| reason.contains("one system alone")));
    }
}
