//! Runs a recorded cell again.

use std::path::{Path, PathBuf};

use physrep_benchmarks::suite::Suite;
use physrep_records::{
    Cell, CellFolder, CellOutcome, CellRecord, Device, ElsewhereFacts, EncoderSpec, Initialisation, RunManifest, files,
};

use crate::{
    data::prepare_data,
    error::{Error, Result},
    events::{DataProgress, RunEvent},
    plugin_sources::find_plugin,
    policy::Policy,
    probe_library::ProbePlacement,
    supervisor::run_cells,
};

/// Where to find the data and the plugin of a recorded cell, and how to run it.
pub struct RerunSettings<'a> {
    /// The folder of a suite's data.
    pub data: &'a dyn Fn(&Suite) -> PathBuf,
    /// Plugin crates, folders of methods or of crates, or libraries.
    pub plugins: Vec<PathBuf>,
    /// The device that the method computes on.
    pub device: Device,
    /// Where its trained probes are fitted.
    pub probes: ProbePlacement,
    /// How the cell is run.
    pub policy: Policy,
}

/// Runs the cell of the record at `path` again in a temporary folder. Returns the record at `path` and the new one.
///
/// # Errors
///
/// If the record cannot be read, or the cell cannot be run or fails.
pub fn rerun_cell(
    path: &Path,
    settings: &RerunSettings<'_>,
    on_data: &(dyn Fn(DataProgress<'_>) + Sync),
    on_run: &(dyn Fn(RunEvent<'_>) + Sync),
) -> Result<[CellRecord; 2]> {
    let record = CellRecord::read(path)?;
    let cell = recorded_cell(path, &record, settings, on_data)?;
    let folder = tempfile::tempdir().map_err(Error::io("a temporary folder"))?;
    files::write_json(&cell.folder(folder.path()).spec(), &cell)?;
    if record.external {
        copy_embeddings(path, &cell.folder(folder.path()))?;
    }
    RunManifest::of(std::slice::from_ref(&cell)).write(folder.path())?;
    run_cells(std::slice::from_ref(&cell), folder.path(), &settings.policy, on_run)?;
    match cell.folder(folder.path()).outcome()? {
        CellOutcome::Done(again) => Ok([record, *again]),
        CellOutcome::Failed(reason) => Err(Error::file(path, format!("the cell failed this time: {reason}"))),
        CellOutcome::Missing => Err(Error::Interrupted),
    }
}

/// Copies the embeddings beside the record at `path`, which were made elsewhere and so cannot be made again, into the folder of a cell.
fn copy_embeddings(path: &Path, to: &CellFolder) -> Result<()> {
    let from = CellFolder::at(path.parent().map(Path::to_owned).unwrap_or_default());
    for (source, target) in [(from.embeddings(), to.embeddings()), (from.embeddings_record(), to.embeddings_record())] {
        if !source.is_file() {
            let reason = format!(
                "its embeddings were made elsewhere, and the probes can be run again only with them; expected {} beside it; make the record \
                 again from the file that was handed back, with `physrep-bench score`",
                source.display()
            );
            return Err(Error::file(path, reason));
        }
        files::write(&target, &files::read(&source)?)?;
    }
    Ok(())
}

/// The embeddings of a record that were made elsewhere.
fn elsewhere(record: &CellRecord) -> Option<EncoderSpec> {
    let ElsewhereFacts { about, checksum, .. } = record.elsewhere.clone()?;
    Some(EncoderSpec::Elsewhere { name: record.identity.method.clone(), checksum, about })
}

/// The cell of a record, with the plugin and the data on this machine.
fn recorded_cell(
    path: &Path,
    record: &CellRecord,
    settings: &RerunSettings<'_>,
    on_data: &(dyn Fn(DataProgress<'_>) + Sync),
) -> Result<Cell> {
    let invalid = |reason: String| Error::file(path, reason);
    let suite: Suite = serde_json::from_value(record.recipe.suite.clone())
        .map_err(|e| invalid(format!("its `recipe.suite` is not a suite of this program: {e}")))?;
    suite.check().map_err(|reason| invalid(format!("its `recipe.suite`: {reason}")))?;
    let identity = &record.identity;
    let encoder = match &record.recipe.plugin {
        _ if record.external => elsewhere(record).ok_or_else(|| invalid("it has no `elsewhere`".into()))?,
        Some(method) => {
            let plugin = find_plugin(method, &settings.plugins, settings.device)?;
            plugin.encoder(&identity.method, record.recipe.config.clone(), identity.initialisation)
        }
        None if identity.method == EncoderSpec::Features.method() => EncoderSpec::Features,
        None if identity.method == EncoderSpec::Mean.method() => EncoderSpec::Mean,
        None => return Err(invalid(format!("its method `{}` is no floor, but it names no plugin", identity.method))),
    };
    let joint = identity.initialisation == Initialisation::Joint;
    let data = (settings.data)(&suite).into();
    let sources = suite
        .systems
        .iter()
        .map(|system| &system.name)
        .filter(|name| joint || **name == identity.system)
        .map(|system| prepare_data(&suite, system, &data, settings.policy.threads, on_data))
        .collect::<Result<Vec<_>>>()?;
    let own = sources.iter().find(|source| source.system == identity.system);
    let own = own.ok_or_else(|| invalid(format!("its suite has no system `{}`", identity.system)))?.clone();
    let joint = if joint { sources } else { Vec::new() };
    let probe_library = if encoder.is_floor() { None } else { settings.probes.library(settings.device, &|_| ())? };
    Ok(Cell {
        suite,
        data: own,
        joint,
        encoder,
        seed: identity.seed,
        trial: identity.trial,
        device: settings.device,
        probe_library,
    })
}
