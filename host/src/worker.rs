//! The worker process of one cell: pretrain, encode, probe, and leave the result.

mod progress;
mod work;

use std::{fs, path::Path, time::Duration};

use physrep_benchmarks::packed::Packed;

use crate::{
    Error, Result,
    cell::{Cell, CellFolder, Encoder, PretrainingFolder, Source},
    embed,
    environment::Environment,
    events::Phase,
    files, memory,
    plugin::Plugin,
    result::{CellResult, Cost, SCHEMA},
};

use progress::Progress;
use work::Work;

/// Runs the cell in `folder` to its result, going on from the checkpoint in `pretraining` if there is one.
///
/// `checkpoint_every` is the time between checkpoints of pretraining.
pub fn run(folder: &Path, pretraining: &Path, checkpoint_every: Duration) -> Result<()> {
    end_with_supervisor();
    physrep_nn::keep_freed_memory();
    let folder = CellFolder::at(folder.to_owned());
    let pretraining = PretrainingFolder::at(pretraining.to_owned());
    let cell: Cell = files::read_json(&folder.spec())?;
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

    let (probed, encoder) = match &cell.encoder {
        Encoder::Plugin { library, checksum, config, .. } => {
            let (probed, facts) = work.plugin(&open_plugin(library, checksum)?, config, &data)?;
            (probed, Some(facts))
        }
        Encoder::Mean => {
            let embedded = embed::with_nothing(&cell, own)?;
            (work.probe(&embedded)?, None)
        }
        Encoder::Features => {
            let embedded = work.encode(|cell, report| embed::with_features(cell, own, report))?;
            (work.probe(&embedded)?, None)
        }
    };
    work.cost.peak_memory_mib = memory::peak().map(|bytes| bytes >> 20);
    let result = CellResult {
        schema: SCHEMA,
        key: cell.key(),
        suite: cell.suite.name.clone(),
        suite_version: cell.suite.version,
        system: cell.system().to_owned(),
        method: cell.method().to_owned(),
        initialisation: cell.initialisation(),
        seed: cell.seed,
        parameters: own.header().scalings.iter().map(|scaling| scaling.name.clone()).collect(),
        scores: probed.scores,
        chosen: probed.chosen,
        encoder,
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
