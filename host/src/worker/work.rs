//! The parts of the work on one cell, and what each costs.

use std::{fs, time::Duration};

use physrep_abi::LogLevel;
use physrep_benchmarks::{packed::Packed, split::Split};
use serde_json::Value;

use super::progress::Progress;
use crate::{
    Error, Result,
    cell::{Cell, CellFolder, Encoder, PretrainingFolder},
    embed::{self, Embedded},
    events::Phase,
    finetune,
    meter::Meter,
    plugin::{Callbacks, Geometry, Plugin, Session, SessionSpec},
    pretrain::{self, Curves, Pretraining},
    probe::{Probe, attentive},
    probing::{self, Probed},
    result::{Cost, EncoderFacts, Track},
};

/// The probes of a row: the suite's for an encoder, and the one that makes it a floor for the others.
fn probes(cell: &Cell) -> Vec<Probe> {
    match &cell.encoder {
        Encoder::Plugin { .. } => {
            let budget = &cell.suite.probe.attentive;
            let attentive = attentive::Config {
                epochs: budget.epochs,
                batch: budget.batch,
                learning_rate: budget.lr,
                weight_decay: budget.weight_decay,
            };
            vec![Probe::Attentive(attentive), Probe::Ridge(Default::default())]
        }
        Encoder::Features => vec![Probe::Ridge(Default::default())],
        Encoder::Mean => vec![Probe::Mean],
    }
}

/// The work on one cell.
pub(super) struct Work<'a> {
    pub(super) cell: &'a Cell,
    pub(super) folder: &'a CellFolder,
    pub(super) pretraining: &'a PretrainingFolder,
    pub(super) checkpoint_every: Duration,
    pub(super) progress: Progress,
    pub(super) cost: Cost,
}

impl Work<'_> {
    /// Pretrains, unless the cell is about random weights, encodes and probes; then trains end to end, if the suite does.
    /// `data` is that of every system which the encoder is made for.
    pub(super) fn plugin(
        &mut self,
        plugin: &Plugin,
        config: &Value,
        data: &[Packed],
    ) -> Result<(Probed, EncoderFacts)> {
        let (cell, suite, own) = (self.cell, &self.cell.suite, &data[self.cell.index()]);
        let scratch = self.folder.scratch();
        fs::create_dir_all(&scratch).map_err(Error::io(&scratch))?;
        let curves = Curves::default();
        let listener = Listener(&curves);
        let pretrained = cell.initialisation().is_pretrained();
        let systems: Vec<Geometry> = data.iter().map(|data| Geometry::of(data.header())).collect();
        let spec = SessionSpec {
            config,
            systems: &systems,
            context_frames: suite.window.context,
            future_frames: suite.window.future,
            batch: suite.pretrain.batch,
            steps: if pretrained { pretrain::steps(&suite.pretrain, data.len()) } else { 0 },
            seed: cell.seed,
            device: cell.device,
            scratch: &scratch.to_string_lossy(),
        };
        let mut session = Session::new(plugin, &spec, &listener)?;
        if pretrained {
            let task = Pretraining {
                suite,
                data,
                method: cell.method(),
                config,
                folder: self.pretraining,
                device: cell.device,
                checkpoint_every: self.checkpoint_every,
            };
            let progress = &mut self.progress;
            self.cost.pretrain = pretrain::run(&task, &mut session, &curves, |done, total, loss| {
                let note = loss.map(|loss| format!("loss {loss:.4}")).unwrap_or_default();
                progress.report(Phase::Pretrain, done, total, note)
            })?;
        }

        let before = encoder_checksum(&session)?;
        let embedded = self.encode(|cell, report| embed::with_session(cell, own, &session, &Split::ALL, report))?;
        embed::save(&embedded, &self.folder.embeddings())?;
        let mut probed = self.probe(&embedded)?;
        if encoder_checksum(&session)? != before {
            return Err(Error::Method {
                method: cell.method().to_owned(),
                message: "encoding changed the encoder's weights; a frozen encoder must stay as it is".into(),
            });
        }
        let parameters = session.parameters()?;
        let count = |encoder_only: bool| {
            parameters
                .iter()
                .filter(|parameter| parameter.encoder || !encoder_only)
                .map(|parameter| parameter.shape.iter().product::<u64>())
                .sum()
        };
        let tokens = embedded[&Split::Train].embeddings();
        let facts = EncoderFacts {
            encoder_parameters: count(true),
            method_parameters: count(false),
            tokens: tokens.tokens,
            dim: tokens.dim,
            checksum: before,
            plugin_checksum: plugin.checksum().to_owned(),
        };
        if let Some(budget) = &suite.finetune {
            let meter = Meter::start();
            let (scores, record) = finetune::run(cell, budget, own, &mut session, facts.dim, |done, total| {
                self.progress.report(Phase::FineTune, done, total, String::new())
            })?;
            self.cost.finetune = meter.cost((budget.epochs * embedded[&Split::Train].n()) as u64);
            probed.scores.extend(scores);
            probed.chosen.insert(Track::EndToEnd.to_string(), serde_json::json!(record));
        }
        Ok((probed, facts))
    }

    /// Lets `embed` embed all windows.
    pub(super) fn encode(
        &mut self,
        embed: impl FnOnce(&Cell, &mut dyn FnMut(u64, u64) -> Result<()>) -> Result<Embedded>,
    ) -> Result<Embedded> {
        let meter = Meter::start();
        let progress = &mut self.progress;
        let embedded = embed(self.cell, &mut |done, total| progress.report(Phase::Encode, done, total, String::new()))?;
        self.cost.encode = meter.cost(windows(&embedded));
        Ok(embedded)
    }

    /// Fits and scores the cell's probes.
    pub(super) fn probe(&mut self, embedded: &Embedded) -> Result<Probed> {
        let meter = Meter::start();
        let progress = &mut self.progress;
        let probed = probing::run(&probes(self.cell), embedded, self.cell.seed, |done, total| {
            progress.report(Phase::Probe, done, total, String::new())
        })?;
        self.cost.probe = meter.cost(windows(embedded));
        Ok(probed)
    }
}

/// The windows of all splits.
fn windows(embedded: &Embedded) -> u64 {
    embedded.values().map(|split| split.n() as u64).sum()
}

/// BLAKE3 over the names and checksums of the encoder's parameters.
fn encoder_checksum(session: &Session<'_>) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for parameter in session.parameters()?.iter().filter(|parameter| parameter.encoder) {
        hasher.update(parameter.name.as_bytes());
        hasher.update(&parameter.checksum);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// The session's callbacks in a worker: the log goes to standard error, which the supervisor keeps.
struct Listener<'a>(&'a Curves);

impl Callbacks for Listener<'_> {
    fn log(&self, level: LogLevel, message: &str) {
        eprintln!("{level:?}: {message}");
    }

    fn metric(&self, name: &str, step: u64, value: f64) {
        self.0.record(name, step, value);
    }
}
