//! All fits of a cell's probes: which there are, and where each is computed.

use std::{collections::BTreeMap, sync::mpsc, thread};

use physrep_benchmarks::Split;
use physrep_evaluation::{LabelledEmbeddings, Probe};
use physrep_records::{Cell, Device};
use rayon::prelude::*;
use serde_json::Value;

use crate::{
    error::Result,
    events::Phase,
    interrupt,
    probe_library::{KeptMemory, OpenedProbeLibrary},
    progress::Progress,
};

/// What fits the probes of a cell: this program on the CPU, and the probe library on a GPU.
pub(crate) struct Fitter {
    library: Option<OpenedProbeLibrary>,
    device: Device,
}

/// A fitted probe: what it selected, what it predicts, and where it was fitted.
pub(super) struct Fit {
    pub(super) record: Value,
    pub(super) device: Device,
    /// The predicted labels of each scored split, `(N, P)`.
    pub(super) predictions: BTreeMap<Split, Vec<f32>>,
}

/// The splits that fits are scored on.
pub(super) type ScoredSplits<'a> = BTreeMap<Split, &'a LabelledEmbeddings>;

/// The fits of one probe on one label subset that are computed together.
struct Task<'a> {
    probe: &'a Probe,
    on: [&'a LabelledEmbeddings; 2],
    seeds: Vec<u64>,
}

impl Fitter {
    /// What fits the probes of `cell`; opens the library, if it takes one.
    ///
    /// # Errors
    ///
    /// If the library cannot be used.
    pub(crate) fn of(cell: &Cell) -> Result<Self> {
        let open = |library| OpenedProbeLibrary::open(library, cell.device);
        let library = cell.probe_library.as_ref().map(open).transpose()?;
        let device = if library.is_some() { cell.device } else { Device::Cpu };
        Ok(Self { library, device })
    }

    /// The memory of the device that the fits compute on.
    pub(crate) fn memory(&self) -> KeptMemory {
        KeptMemory::begin(self.device)
    }

    /// The fits of `probes` on each of `subsets`, train and valid, by subset, probe and seed.
    ///
    /// They do not depend on each other and run side by side: on the CPU they are too small to use several threads each; on a GPU all
    /// seeds of a probe on a subset are one task.
    ///
    /// # Errors
    ///
    /// That of the first fit that fails.
    pub(super) fn fit_all(
        &self,
        probes: &[Probe],
        subsets: &[[&LabelledEmbeddings; 2]],
        seeds: &(dyn Fn(&Probe) -> Vec<u64> + Sync),
        scored: &ScoredSplits<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<Fit>> {
        let of_probe = |(&on, probe)| {
            let seeds: Vec<u64> = seeds(probe);
            let together = if self.library_for(probe).is_some() { seeds.len() } else { 1 };
            seeds.chunks(together).map(|seeds| Task { probe, on, seeds: seeds.to_vec() }).collect::<Vec<_>>()
        };
        let tasks: Vec<Task<'_>> =
            subsets.iter().flat_map(|on| probes.iter().map(move |probe| (on, probe))).flat_map(of_probe).collect();
        let total = tasks.iter().map(|task| task.seeds.len() as u64).sum();
        let (done, finished) = mpsc::channel();
        thread::scope(|scope| {
            let fits = scope.spawn(|| {
                let fit = |done: &mut mpsc::Sender<u64>, task: &Task<'_>| {
                    interrupt::check()?;
                    let fits = self.fit(task, scored)?;
                    // The receiver is gone if it was interrupted.
                    let _ = done.send(fits.len() as u64);
                    Ok(fits)
                };
                tasks.par_iter().map_with(done, fit).collect::<Result<Vec<_>>>()
            });
            progress.report(Phase::Probe, 0, total)?;
            let mut sum = 0;
            finished.iter().try_for_each(|fits| {
                sum += fits;
                progress.report(Phase::Probe, sum, total)
            })?;
            let fits = fits.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok(fits.into_iter().flatten().collect())
        })
    }

    /// The library for a probe that is fitted in one: one that is trained.
    fn library_for(&self, probe: &Probe) -> Option<&OpenedProbeLibrary> {
        self.library.as_ref().filter(|_| probe.is_random())
    }

    fn fit(&self, task: &Task<'_>, scored: &ScoredSplits<'_>) -> Result<Vec<Fit>> {
        let Task { probe, on, ref seeds } = *task;
        let [train, valid] = on;
        if let Some(library) = self.library_for(probe) {
            let splits: Vec<&LabelledEmbeddings> = scored.values().copied().collect();
            let fits = library.fit(probe, seeds, self.device, on, &splits)?;
            let fits = fits.into_iter().map(|fit| Fit {
                record: fit.record,
                device: self.device,
                predictions: scored.keys().copied().zip(fit.predictions).collect(),
            });
            return Ok(fits.collect());
        }
        let of_seed = |&seed: &u64| {
            let fitted = probe.fit(train, valid, seed)?;
            let predicted =
                |(&split, &embedded): (&Split, &&LabelledEmbeddings)| Ok((split, fitted.predict(embedded)?));
            Ok(Fit {
                record: serde_json::json!(fitted.record()),
                device: Device::Cpu,
                predictions: scored.iter().map(predicted).collect::<Result<_>>()?,
            })
        };
        seeds.iter().map(of_seed).collect()
    }
}
