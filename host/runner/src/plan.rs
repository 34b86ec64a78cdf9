//! The plan of a run: its cells, complete before the first one runs.

use std::path::Path;

use physrep_benchmarks::{packed, suite::Suite};
use physrep_conformance::Check;
use physrep_records::{
    Cell, DataSource, Device, EncoderSpec, Initialisation, ManifestCell, ProbeLibraryFile, RunManifest, SuiteFacts,
    files,
};

use crate::{
    check::QuickChecks,
    data::{DataFolders, pack_again, prepare_data, prepared_data, write_samples},
    error::{Error, Result},
    events::DataProgress,
    plugin::MethodLibrary,
    probe_library::ProbePlacement,
    selection::{RunSelection, SelectionEvent, no_joint_pretraining},
};

/// A planned run.
#[derive(Debug)]
pub struct RunPlan {
    /// The cells, in the order of the table: by system, then by row, then by seed.
    pub cells: Vec<Cell>,
    /// Cells of embeddings made elsewhere that the run's folder has, and keeps. No plan runs them.
    pub elsewhere: Vec<ManifestCell>,
    /// Why rows are left out: those of plugins that cannot be used, and embeddings made elsewhere of another suite or of other data.
    pub left_out: Vec<Error>,
    /// Systems whose data is to be prepared. Until it is, the addresses of the cells are not known, and nothing is written.
    pub unprepared: Vec<String>,
    /// Whether methods were selected by name. The finished cells of the others, if the folder has some, stay in the run.
    partial: bool,
}

/// An event while a run is planned.
#[derive(Debug)]
pub enum PlanEvent<'a> {
    /// Plugins are being collected.
    Selection(SelectionEvent<'a>),
    /// A method fails a quick check; what was found.
    FailsCheck {
        /// The method.
        method: &'a MethodLibrary,
        /// The check.
        check: &'static Check,
        /// What was found.
        found: &'a str,
    },
    /// Data is being prepared.
    Data(DataProgress<'a>),
    /// The data of a system is ready, after this time.
    DataReady(&'a str, std::time::Duration),
}

/// The data folder, the device and the threads of a run.
#[derive(Clone, Debug)]
pub struct PlanSettings {
    /// Where the data are.
    pub data: DataFolders,
    /// The device that methods compute on.
    pub device: Device,
    /// Where trained probes are fitted.
    pub probes: ProbePlacement,
    /// Threads that generate data.
    pub threads: usize,
    /// The quick checks that methods pass through before data is made.
    pub checks: Option<QuickChecks>,
    /// What to do about missing data.
    pub missing_data: MissingData,
}

/// What a plan does about missing data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingData {
    /// Generate and pack it.
    Prepare,
    /// Leave it to a task that runs before the cells.
    Leave,
}

impl RunPlan {
    /// Plans the run of a selection of a suite: builds stale plugin crates, checks the methods, and generates and packs missing data.
    ///
    /// # Errors
    ///
    /// If the selection names something that does not exist, or data can be neither read nor generated.
    pub fn of(
        suite: &Suite,
        selection: &RunSelection,
        settings: &PlanSettings,
        listener: &(dyn Fn(PlanEvent<'_>) + Sync),
    ) -> Result<Self> {
        let notify = |event: SelectionEvent<'_>| listener(PlanEvent::Selection(event));
        let mut selected = selection.encoders(suite, settings.device, &notify)?;
        let systems = selection.systems_of(suite)?;
        let trained = selected.encoders.iter().any(|encoder| !encoder.is_floor());
        let building = |folder: &Path| notify(SelectionEvent::Building(folder));
        let probe_library = if trained { settings.probes.library(settings.device, &building)? } else { None };
        if let Some(reason) = no_joint_pretraining(suite, &systems) {
            let before = selected.encoders.len();
            selected.encoders.retain(|encoder| encoder.initialisation() != Initialisation::Joint);
            if selected.encoders.len() < before {
                notify(SelectionEvent::NoJointPretraining(reason));
            }
        }
        for (method, config) in &selected.methods {
            let failing = settings.checks.as_ref().map(|checks| checks.failing(method, config)).transpose()?;
            for (check, found) in failing.unwrap_or_default() {
                listener(PlanEvent::FailsCheck { method, check, found: &found });
            }
        }
        let (mut sources, mut unprepared) = (Vec::new(), Vec::new());
        for system in &systems {
            if settings.missing_data == MissingData::Leave {
                sources.push(match prepared_data(suite, system, &settings.data)? {
                    Some(source) => source,
                    None => {
                        unprepared.push(system.clone());
                        let path = packed::packed_file(suite, system, &settings.data.packed);
                        DataSource { system: system.clone(), path, checksum: String::new() }
                    }
                });
                continue;
            }
            let clock = std::time::Instant::now();
            let progress = |progress: DataProgress<'_>| listener(PlanEvent::Data(progress));
            sources.push(prepare_data(suite, system, &settings.data, settings.threads, &progress)?);
            listener(PlanEvent::DataReady(system, clock.elapsed()));
        }
        let seeds = selection.seeds_of(suite);
        let cells = cells(suite, &sources, &selected.encoders, &seeds, settings.device, probe_library.as_ref());
        let partial = !selection.methods.is_empty();
        Ok(Self { cells, elsewhere: Vec::new(), left_out: selected.unusable, unprepared, partial })
    }

    /// Writes the run folder as it is before the first cell runs: the manifest, the description of every cell, sample fields.
    ///
    /// # Errors
    ///
    /// If a file cannot be written, or the data cannot be read.
    pub fn write(&mut self, run: &Path) -> Result<()> {
        let mut sampled: Vec<&str> = Vec::new();
        for cell in &self.cells {
            if !sampled.contains(&cell.system()) {
                sampled.push(cell.system());
                write_samples(&cell.suite, &cell.data, run).map_err(pack_again)?;
            }
        }
        let mut manifest = RunManifest::of(&self.cells);
        if let Ok(before) = RunManifest::read(run) {
            self.keep_elsewhere(&before, run);
            if self.partial {
                manifest.keep_finished(before, run);
            }
            manifest.cells.extend(self.elsewhere.iter().cloned());
            manifest.sort();
        }
        write_descriptions(&self.cells, run)?;
        Ok(manifest.write(run)?)
    }

    /// Keeps the cells of embeddings made elsewhere, which no plan has, of an earlier manifest of the run: those whose suite and data are
    /// still the same.
    fn keep_elsewhere(&mut self, before: &RunManifest, run: &Path) {
        let elsewhere = |listed: &&ManifestCell| listed.identity.initialisation == Initialisation::Elsewhere;
        for listed in before.cells.iter().filter(elsewhere) {
            let (identity, outcome) = (&listed.identity, listed.folder(run).outcome());
            let other_suite =
                self.cells.first().is_some_and(|cell| SuiteFacts::of(&cell.suite, &identity.system) != identity.suite);
            let scored_on = outcome.iter().find_map(|outcome| Some(&outcome.record()?.environment.data_checksum));
            let data = self.cells.iter().find(|cell| cell.system() == identity.system).map(|cell| &cell.data.checksum);
            let other_data = scored_on.zip(data).is_some_and(|(then, now)| then != now);
            match other_suite || other_data {
                false => self.elsewhere.push(listed.clone()),
                true => self.left_out.push(Error::Usage(format!(
                    "{} (elsewhere) on {}, seed {}: its windows were of {}; export them again with `physrep-bench export-windows`, \
                     embed and score them",
                    identity.method,
                    identity.system,
                    identity.seed,
                    if other_suite { "another suite" } else { "other data" }
                ))),
            }
        }
    }
}

/// Writes the description of each of `cells` into the folder `run`, then its manifest.
pub(crate) fn write_cells(cells: &[Cell], run: &Path) -> Result<()> {
    write_descriptions(cells, run)?;
    Ok(RunManifest::of(cells).write(run)?)
}

fn write_descriptions(cells: &[Cell], run: &Path) -> Result<()> {
    for cell in cells {
        let folder = cell.folder(run);
        if folder.found_record().is_none() {
            files::write_derived_json(&folder.spec(), cell)?;
        }
    }
    Ok(())
}

/// All cells, in the order of the table.
fn cells(
    suite: &Suite,
    sources: &[DataSource],
    encoders: &[EncoderSpec],
    seeds: &[u64],
    device: Device,
    probe_library: Option<&ProbeLibraryFile>,
) -> Vec<Cell> {
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
                trial: None,
                device,
                probe_library: probe_library.filter(|_| !encoder.is_floor()).cloned(),
            }));
        }
    }
    cells
}
