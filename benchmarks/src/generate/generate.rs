//! Generates the missing data of a system.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicUsize;

use rayon::prelude::*;

use super::checksums::Checksums;
use super::frame_counter::FrameCounter;
use super::plan::{PlannedFile, plan};
use super::settings::GenerationSettings;
use super::solve::TrajectorySolver;
use super::trajectory_cache::TrajectoryCache;
use crate::Result;
use crate::atomic_file::{create_folder, replace_with};
use crate::error::IoContext;
use crate::progress::Progress;
use crate::split::Split;
use crate::suite::Suite;
use crate::systems::System;
use crate::well::{self, WellLayout, compute_stats, description_yaml, stats_yaml};

/// What [`generate`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationSummary {
    /// Identifies the data: equal keys mean equal bytes.
    pub key: String,
    /// Files of all splits.
    pub files: usize,
    /// Trajectories of all splits.
    pub trajectories: usize,
    /// Trajectories solved in this call; the others were there.
    pub simulated: usize,
}

/// Generates the data of `system` that `data` does not have yet: files, `stats.yaml` and a description.
///
/// `threads` trajectories are solved at a time (0: one per core). Progress counts frames. If generation ends early, by
/// an error, on request or because the process died, finished trajectories are kept in `data/<system>/.parts`, and the
/// next call resumes from them. A call waits while another process generates the same data,
/// and says for whom; the bytes of the files depend neither on that nor on the number of threads. If all data is there, nothing is done. `checksums.json` has the checksums of all files; [`pack`](crate::packed::pack()) compares them.
///
/// # Errors
/// - [`Error::Suite`](crate::Error::Suite) if the suite's section does not fit the system, or has no `generate`;
/// - [`Error::Folder`](crate::Error::Folder) if `data` holds data of other settings;
/// - [`Error::Simulation`](crate::Error::Simulation) if a trajectory cannot be solved;
/// - [`Error::Stopped`](crate::Error::Stopped) if `progress` asked for it;
/// - [`Error::Io`](crate::Error::Io) and [`Error::Hdf5`](crate::Error::Hdf5) if files cannot be read or written.
pub fn generate(
    suite: &Suite,
    system: &dyn System,
    data: &Path,
    threads: usize,
    progress: &dyn Progress,
) -> Result<GenerationSummary> {
    let (section, generation) = suite.generation(system)?;
    let settings = GenerationSettings::of(suite.data_seed(), section, generation, system);
    let folder = data.join(system.name());
    let plan = plan(section, generation, suite.data_seed(), data);
    let description = folder.join(format!("{}.yaml", system.name()));
    let statistics = well::stats_file(data, system.name());
    let trajectories = plan.iter().map(|file| file.trajectories.len()).sum();
    let summary =
        |simulated| GenerationSummary { key: settings.key.clone(), files: plan.len(), trajectories, simulated };

    settings.claim(&folder)?;
    let unfinished = folder.join(".parts");
    let waiting = |holder: &str| {
        let note = format!("waiting for {holder}, which generates this data");
        progress.report(0, trajectories * section.frames, &note)
    };
    let files = || plan.iter().map(|file| file.path.clone()).chain([statistics.clone(), description.clone()]);
    let is_there = || files().all(|path| path.exists());
    if is_there() && !unfinished.exists() {
        if Checksums::read(&folder).is_none_or(|known| known.key != settings.key) {
            // Data of an earlier version; in a folder that cannot be written it stays without.
            let _ = Checksums::of(&folder, &settings.key, files())?.write(&folder);
        }
        return Ok(summary(0));
    }
    let cache = TrajectoryCache::open(&unfinished, &settings.key, waiting)?;
    if is_there() && Checksums::read(&folder).is_some_and(|known| known.key == settings.key) {
        cache.close()?;
        return Ok(summary(0));
    }
    for split in section.splits() {
        create_folder(&well::split_folder(data, system.name(), split))?;
    }
    let run = TrajectorySolver {
        section,
        generation,
        system,
        cache: &cache,
        counter: FrameCounter::new(trajectories * section.frames, progress),
        simulated: AtomicUsize::new(0),
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(io::Error::other)
        .at("start the threads to generate", &folder)?;
    pool.install(|| plan.par_iter().try_for_each(|file| run.file(file)))?;

    let train: Vec<&PlannedFile> = plan.iter().filter(|file| file.split == Split::Train).collect();
    let computed = compute_stats(train.iter().map(|file| file.path.as_path()))?;
    replace_with(&statistics, stats_yaml(&computed).as_bytes())?;
    let layouts: Vec<WellLayout> = train.iter().map(|file| run.layout(file)).collect();
    replace_with(&description, description_yaml(&layouts).as_bytes())?;
    Checksums::of(&folder, &settings.key, files())?.write(&folder)?;
    let simulated = run.simulated.into_inner();
    cache.close()?;
    Ok(summary(simulated))
}

/// The key of the data in `data/<system>`; `None` if it was not generated.
///
/// # Errors
/// [`Error::Folder`](crate::Error::Folder) if it was generated with settings other than the suite's,
/// [`Error::Suite`](crate::Error::Suite) if the suite's section does not fit the system.
pub fn data_key(suite: &Suite, system: &dyn System, data: &Path) -> Result<Option<String>> {
    let section = suite.section(system)?;
    let Some(generation) = &section.generate else {
        return Ok(None);
    };
    let wanted = GenerationSettings::of(suite.data_seed(), section, generation, system);
    match GenerationSettings::read(&data.join(system.name()))? {
        None => Ok(None),
        Some(found) => wanted.check(found, &data.join(system.name())).map(Some),
    }
}
