//! The worker process of one cell: pretrain, encode, probe, and leave the result.

mod progress;
mod work;

use std::{fs, path::Path, time::Duration};

use physrep_benchmarks::packed::Packed;
use serde_json::Value;

use crate::{
    Error, Result,
    cell::{Cell, CellFolder, Encoder, PretrainingFolder, Source},
    device::pool::keep_freed_memory,
    environment::Environment,
    events::Phase,
    files, interrupt, memory,
    plugin::Plugin,
    result::{CellResult, Cost, Recipe, SCHEMA},
};

use progress::Progress;
use work::Work;

/// Runs the cell in `folder` to its result, going on from the checkpoint in `pretraining` if there is one.
///
/// `checkpoint_every` is the time between checkpoints of pretraining.
pub fn run(folder: &Path, pretraining: &Path, checkpoint_every: Duration) -> Result<()> {
    end_with_supervisor();
    interrupt::heed_standard_input();
    physrep_nn::retain_heap_memory();
    let folder = CellFolder::at(folder.to_owned());
    let pretraining = PretrainingFolder::at(pretraining.to_owned());
    let cell: Cell = files::read_json(&folder.spec())?;
    keep_freed_memory(cell.device);
    let mut work = Work {
        cell: &cell,
        folder: &folder,
        pretraining: &pretraining,
        checkpoint_every,
        progress: Progress::new(),
        cost: Cost::default(),
    };
    work.progress.report(Phase::Start, 0, 1, String::new())?;
    let data = cell.sources().iter().map(open).collect::<Result<Vec<_>>>()?;
    let own = &data[cell.index()];

    let (outcome, config) = match &cell.encoder {
        Encoder::Plugin { library, checksum, config, .. } => {
            (work.plugin(&open_plugin(library, checksum)?, config, &data)?, config.clone())
        }
        Encoder::Features => (work.features(own)?, Value::Null),
        Encoder::Mean => (work.mean(own)?, Value::Null),
    };
    work.cost.peak_memory_mib = memory::peak().map(|bytes| bytes >> 20);
    let plugin = matches!(cell.encoder, Encoder::Plugin { .. })
        .then(|| cell.suite.variants.get(cell.method()).map_or(cell.method(), String::as_str).to_owned());
    let result = CellResult {
        schema: SCHEMA,
        identity: cell.identity(),
        parameters: own.header().scalings.clone(),
        splits: outcome.splits,
        readings: outcome.probed.readings,
        choices: outcome.probed.choices,
        health: outcome.health,
        encoder: outcome.encoder,
        recipe: Recipe { suite: serde_json::json!(cell.suite), config, plugin },
        environment: Environment::now(&cell.data.checksum, cell.device),
        cost: work.cost,
    };
    files::write_json(&folder.result(), &result)?;
    // Without these the cell is no less done.
    let _ = fs::remove_file(folder.failure());
    let _ = fs::remove_dir_all(folder.scratch());
    Ok(())
}

/// The packed data of a system, if it is still what it was when the cell was planned.
fn open(source: &Source) -> Result<Packed> {
    let data = Packed::open(&source.path)?;
    if data.header().checksum == source.checksum {
        return Ok(data);
    }
    Err(Error::File {
        path: source.path.clone(),
        reason: "the packed data changed since this cell was planned; run the same command again".into(),
    })
}

/// The plugin, if it is still what it was when the cell was planned.
fn open_plugin(library: &Path, checksum: &str) -> Result<Plugin> {
    let plugin = Plugin::open(library)?;
    if plugin.checksum() == checksum {
        return Ok(plugin);
    }
    Err(Error::Plugin {
        path: library.to_owned(),
        reason: "it changed since this cell was planned; run the same command again".into(),
    })
}

/// Asks the system to end this process when its supervisor ends, however that came about: a method that loops would
/// never notice.
pub(crate) fn end_with_supervisor() {
    #[cfg(target_os = "linux")]
    // SAFETY: sets an attribute of this process.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
}
