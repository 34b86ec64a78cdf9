//! Arguments that several commands share.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use physrep_benchmarks::suite::Suite;
use physrep_records::Device;
use physrep_runner::{DataFolders, DeviceSelection, Policy, ProbePlacement, cores, machine_memory, shipped_methods};

use crate::{
    error::{Error, Result},
    output::note,
    places,
    sdk::Sdk,
};

/// Where plugins are.
#[derive(Clone, Debug, Default, Args)]
pub struct Plugins {
    /// Plugin crates, folders with a method.toml, folders of either, or libraries [default: the method in whose folder you are, or the
    /// bundled methods].
    #[arg(long, value_name = "PATH")]
    plugins: Vec<PathBuf>,
    /// The bundled methods, too.
    #[arg(long)]
    with_builtin: bool,
}

impl Plugins {
    /// These arguments as words of a command line.
    pub fn words(&self) -> Vec<String> {
        let named = self.plugins.iter().flat_map(|path| ["--plugins".into(), path.display().to_string()]);
        named.chain(self.with_builtin.then(|| "--with-builtin".into())).collect()
    }

    /// The plugins that are named, or the default.
    pub fn paths(&self) -> Result<Vec<PathBuf>> {
        let mut paths = self.plugins.clone();
        if paths.is_empty() {
            paths.extend(enclosing_method());
        }
        if paths.is_empty() || self.with_builtin {
            paths.extend(bundled_methods()?);
        }
        paths.extend(starter_for(&paths)?);
        Ok(paths)
    }
}

/// The bundled methods: those of the checkout that encloses the working directory, or that came with this program as libraries, or those
/// that it carries as sources.
fn bundled_methods() -> Result<Vec<PathBuf>> {
    let shipped = shipped_methods();
    match places::checkout().is_none() && !shipped.is_empty() {
        true => Ok(shipped),
        false => Ok(vec![Sdk::find()?.methods()]),
    }
}

/// The crate of the library that starts methods in another process, if one of `paths` may be such a method and the library came neither
/// with a checkout nor with the program.
pub fn starter_for(paths: &[PathBuf]) -> Result<Option<PathBuf>> {
    let may_be_one = |path: &PathBuf| path.is_dir() && !path.join("Cargo.toml").is_file();
    match places::checkout().is_none() && shipped_methods().is_empty() && paths.iter().any(may_be_one) {
        true => Ok(Some(Sdk::find()?.methods().join("external"))),
        false => Ok(None),
    }
}

/// The method that the working directory is in: the nearest folder with a `method.toml`, or with one in `src`, or the nearest crate, if
/// it is a method's.
fn enclosing_method() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    let has = |folder: &Path, file: &str| folder.join(file).is_file();
    let files = ["method.toml", "src/method.toml", "Cargo.toml"];
    let folder = here.ancestors().find(|folder| files.iter().any(|file| has(folder, file)))?;
    if has(folder, "method.toml") {
        return Some(folder.to_owned());
    }
    if has(folder, "src/method.toml") {
        return Some(folder.join("src"));
    }
    let manifest: toml::Table = fs::read_to_string(folder.join("Cargo.toml")).ok()?.parse().ok()?;
    let library =
        manifest.get("lib")?.get("crate-type")?.as_array()?.iter().any(|kind| kind.as_str() == Some("cdylib"));
    let of_sdk = manifest.get("dependencies")?.get("physrep-plugin-api").is_some();
    (library && of_sdk).then(|| folder.to_owned())
}

/// Where methods compute.
#[derive(Clone, Debug, Args)]
pub struct DeviceArgument {
    /// Where methods compute; auto is the first NVIDIA GPU if there is one, else the CPU. cuda:all runs a cell on each GPU, where
    /// several cells are run.
    #[arg(long, default_value = "auto", value_name = "auto|cpu|cuda:N|cuda:all")]
    device: DeviceSelection,
}

impl DeviceArgument {
    /// This argument as words of a command line.
    pub fn words(&self) -> Vec<String> {
        vec!["--device".into(), self.device.to_string()]
    }

    /// Whether a GPU is asked for by its number, which another machine may have.
    pub fn names_a_gpu(&self) -> bool {
        matches!(self.device, DeviceSelection::This(Device::Cuda(_)) | DeviceSelection::AllGpus)
    }

    /// The device, and the reason if `auto` resolves to the CPU.
    pub fn resolve(&self) -> Result<(Device, Option<String>)> {
        Ok(self.device.resolve()?)
    }

    /// The device of each cell, the reason if `auto` resolves to the CPU, and the names of all GPUs if cells are spread over them.
    pub fn resolve_for_cells(&self) -> Result<(Device, Option<String>, Vec<String>)> {
        Ok(self.device.resolve_for_cells()?)
    }

    /// The device; if `auto` resolves to the CPU, the reason is printed to standard error.
    pub fn resolve_and_log(&self) -> Result<Device> {
        let (device, note) = self.resolve()?;
        if let Some(note) = note {
            note!("{note}");
        }
        Ok(device)
    }
}

/// Where probes are fitted.
#[derive(Clone, Copy, Debug, Args)]
pub struct ProbesArgument {
    /// Fit all probes on the CPU, also where methods compute on a GPU.
    #[arg(long)]
    probes_on_cpu: bool,
}

impl ProbesArgument {
    /// This argument as words of a command line.
    pub fn words(self) -> Option<String> {
        self.probes_on_cpu.then(|| "--probes-on-cpu".into())
    }

    /// Where trained probes are fitted.
    pub fn placement(self) -> ProbePlacement {
        if self.probes_on_cpu { ProbePlacement::Cpu } else { ProbePlacement::WithMethods }
    }
}

/// The duration of the argument `name`, given in seconds.
pub fn duration(name: &str, seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|e| Error::Usage(format!("{name} {seconds}: expected seconds, 0 or more ({e})")))
}

/// The suite, and which trajectories of its distributions.
#[derive(Clone, Debug, Args)]
pub struct SuiteArgument {
    /// A suite's name, or the path of a suite file.
    #[arg(long, default_value = "tiny")]
    suite: String,
    /// Draw fresh trajectories from the suite's distributions; 0 is the draw of published results.
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    draw: u64,
}

impl SuiteArgument {
    /// These arguments as words of a command line.
    pub fn words(&self) -> Vec<String> {
        let draw = (self.draw != 0).then(|| ["--draw".to_owned(), self.draw.to_string()]);
        ["--suite".into(), self.suite.clone()].into_iter().chain(draw.into_iter().flatten()).collect()
    }

    /// The suite.
    pub fn load(&self) -> Result<Suite> {
        Ok(Suite { draw: self.draw, ..Suite::load(&self.suite)? })
    }
}

/// A suite, its data, and the folder of a run of it.
#[derive(Clone, Debug, Args)]
pub struct Folders {
    #[command(flatten)]
    suite: SuiteArgument,
    /// The folder of the data, which is generated if it is missing [default: data/SUITE in the checkout, or in the folder of the user].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The folder of packed data [default: that of the data or, where that cannot be written, packed/ in the folder of the user].
    #[arg(long, value_name = "DIR", alias = "packed")]
    cache: Option<PathBuf>,
    /// The folder of the run [default: runs/SUITE].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// What [`Folders`] name.
#[derive(Clone, Debug)]
pub struct SuiteFolders {
    /// The suite.
    pub suite: Suite,
    /// Where its data are.
    pub data: DataFolders,
    /// The folder of the run.
    pub run: PathBuf,
}

impl Folders {
    /// The words of a command line that name the suite.
    pub fn suite_words(&self) -> Vec<String> {
        self.suite.words()
    }

    /// The folder of packed data, if one is named.
    pub fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// Loads the suite.
    pub fn load(&self) -> Result<SuiteFolders> {
        let suite = self.suite.load()?;
        let data = match self.data.clone() {
            Some(data) => data,
            None => places::data(&folder_name(&suite))?,
        };
        let run = self.out.clone().unwrap_or_else(|| places::run(&folder_name(&suite)));
        Ok(SuiteFolders { suite, data: data_folders(data, self.cache.clone()), run })
    }
}

/// The folders of the data in `data`, packed into `cache` or, without one, beside the data if that can be written.
pub fn data_folders(data: PathBuf, cache: Option<PathBuf>) -> DataFolders {
    match cache {
        Some(packed) => DataFolders { files: data, packed, cache: None },
        None => DataFolders { cache: places::packed_cache(&data).ok(), packed: data.clone(), files: data },
    }
}

/// The run that a command reads.
#[derive(Clone, Debug, Args)]
pub struct RunFolder {
    /// The folder of a run, or of several merged [default: the latest in runs/].
    run: Option<PathBuf>,
}

impl RunFolder {
    /// The folder; if none is named, which one it is goes to standard error.
    pub fn path(self) -> Result<PathBuf> {
        self.run.map_or_else(latest_run, Ok)
    }
}

/// The latest run; which one it is goes to standard error.
pub fn latest_run() -> Result<PathBuf> {
    let Some(run) = places::latest_run() else {
        let reason = "there is no run in runs/ here: name the folder of one, or begin one with `physrep-bench all`";
        return Err(Error::Usage(reason.into()));
    };
    note!("the latest run: {}", run.display());
    Ok(run)
}

/// A number of threads or processes: at most 1024, which no machine of today exceeds by much, and far below what one can start.
pub fn worker_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1024) => Ok(count),
        _ => Err("expected a number from 1 to 1024".into()),
    }
}

/// How many cells run at once, and on how many threads.
#[derive(Clone, Copy, Debug, Args)]
pub struct Workers {
    /// Cells that run concurrently [default: 1 on each GPU; on the CPU one per core, if there are 8 GiB of memory for each].
    #[arg(long, value_parser = worker_count)]
    jobs: Option<usize>,
    /// Threads per cell [default: all cores, divided among the jobs].
    #[arg(long, value_parser = worker_count)]
    threads: Option<usize>,
}

impl Workers {
    /// The argument about one cell, as words of a command line.
    pub fn words_of_a_cell(self) -> Vec<String> {
        self.threads.into_iter().flat_map(|threads| ["--threads".into(), threads.to_string()]).collect()
    }

    /// Cells that run concurrently on `device`, or spread over so many GPUs, and threads per cell.
    pub fn jobs_and_threads(self, device: Device, gpus: usize) -> Result<(usize, usize)> {
        let jobs = self.jobs.unwrap_or_else(|| match device {
            Device::Cpu => concurrent_cells(cores(), machine_memory() >> 30),
            Device::Cuda(_) => gpus.max(1),
        });
        Ok((jobs, self.threads.unwrap_or_else(|| (cores() / jobs).max(1))))
    }
}

/// How many cells run at once on the CPU: one per core, if there are 8 GiB of memory for each; two cells share as little as 4 GiB. Small
/// encoders gain nothing from a second thread (docs/performance.md).
fn concurrent_cells(cores: usize, memory_gib: u64) -> usize {
    let by_memory = (memory_gib / 8).max((memory_gib / 2).min(2));
    cores.min(usize::try_from(by_memory).unwrap_or(usize::MAX)).max(1)
}

/// When a cell writes checkpoints, and when it is given up.
#[derive(Clone, Copy, Debug, Args)]
pub struct Patience {
    /// Seconds without progress after which a cell is killed, ten times as many while it fits probes.
    #[arg(long, default_value_t = 600.0, value_name = "SECONDS")]
    stall_timeout: f64,
    /// Seconds between checkpoints of pretraining.
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    checkpoint_every: f64,
}

impl Patience {
    /// These arguments as words of a command line.
    pub fn words(self) -> Vec<String> {
        let [stall, every] = [self.stall_timeout, self.checkpoint_every].map(|seconds| seconds.to_string());
        vec!["--stall-timeout".into(), stall, "--checkpoint-every".into(), every]
    }

    /// How cells are run by `workers` on `device`, or spread over `gpus`.
    pub fn policy(self, workers: Workers, device: Device, gpus: Vec<String>) -> Result<Policy> {
        let (jobs, threads) = workers.jobs_and_threads(device, gpus.len())?;
        Ok(Policy { jobs, gpus, ..self.policy_of_a_cell(threads)? })
    }

    /// How one cell is run.
    pub fn policy_of_a_cell(self, threads: usize) -> Result<Policy> {
        let (stall_timeout, checkpoint_every) =
            (duration("--stall-timeout", self.stall_timeout)?, self.checkpoint_every()?);
        Ok(Policy { jobs: 1, threads, stall_timeout, checkpoint_every, gpus: Vec::new() })
    }

    /// The time between checkpoints.
    pub fn checkpoint_every(self) -> Result<Duration> {
        duration("--checkpoint-every", self.checkpoint_every)
    }
}

/// How often a cell is tried that does not end by itself.
#[derive(Clone, Copy, Debug, Args)]
pub struct AttemptsArgument {
    /// How many attempts at a cell in a row may come to nothing, by a crash, a kill or the end of its machine, before it has failed.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = worker_count)]
    attempts: usize,
}

impl AttemptsArgument {
    /// This argument as words of a command line.
    pub fn words(self) -> Vec<String> {
        vec!["--attempts".into(), self.attempts.to_string()]
    }
}

/// The name of the folders of a suite's data and runs: `tiny`, or `tiny-draw7` for another draw.
pub fn folder_name(suite: &Suite) -> String {
    match suite.draw {
        0 => suite.name.clone(),
        draw => format!("{}-draw{draw}", suite.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_cells_run_at_once_as_cores_and_memory_allow() {
        for (cores, memory_gib, cells) in [(1, 64, 1), (2, 24, 2), (8, 8, 2), (16, 64, 8), (4, 1, 1), (4, 0, 1)] {
            assert_eq!(concurrent_cells(cores, memory_gib), cells, "{cores} cores, {memory_gib} GiB");
        }
    }
}
