//! The parts of the work on one cell, and what each costs.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use physrep_abi::LogLevel;
use physrep_benchmarks::{Split, packed::Packed, suite::TrainingBudget};
use serde_json::Value;

use super::progress::Progress;
use crate::{
    Error, Result,
    cell::{Cell, CellFolder, Encoder, PretrainingFolder},
    embed::{self, Embedded, Stored},
    events::Phase,
    finetune,
    health::{self, GradientFlow},
    meter::Meter,
    plugin::{Callbacks, Geometry, Plugin, Session, SessionSpec},
    pretrain::{self, Curves, Pretraining},
    probe::{
        Probe, attentive,
        control::{self, Control},
        knn, mlp, ridge,
    },
    probing::{self, Probed},
    result::{Choice, Cost, EncoderFacts, Health, Track, Trajectories},
};

/// Shuffles of the labels in the control: enough that the range of what they read is a 95 % one.
const SHUFFLES: usize = 39;

/// The probes of a row: the suite's for an encoder, and the one that makes it a floor for the others.
fn probes(cell: &Cell) -> Vec<Probe> {
    let budget = &cell.suite.probe;
    let ridge = Probe::Ridge(ridge::Config { penalties: budget.ridge.penalties.clone() });
    match &cell.encoder {
        Encoder::Plugin { .. } => {
            let attentive = attentive::Config {
                epochs: budget.attentive.epochs,
                batch: budget.attentive.batch,
                learning_rate: budget.attentive.lr,
                weight_decay: budget.attentive.weight_decay,
            };
            let mlp = mlp::Config {
                hidden: budget.mlp.hidden,
                epochs: budget.mlp.epochs,
                batch: budget.mlp.batch,
                learning_rate: budget.mlp.lr,
                weight_decay: budget.mlp.weight_decay,
            };
            let knn = knn::Config { neighbours: budget.knn.neighbours.clone(), ..Default::default() };
            vec![Probe::Attentive(attentive), Probe::Mlp(mlp), ridge, Probe::Knn(knn)]
        }
        Encoder::Features => vec![ridge],
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

/// What the work comes to.
pub(super) struct Outcome {
    pub(super) splits: BTreeMap<Split, Trajectories>,
    pub(super) probed: Probed,
    pub(super) health: Option<Health>,
    pub(super) encoder: Option<EncoderFacts>,
}

impl Work<'_> {
    /// Pretrains, unless the cell is about random weights, encodes and probes; then trains end to end, if the suite does.
    /// Embeddings of an earlier attempt are taken as they are. `data` is that of every system which the encoder is made for.
    pub(super) fn plugin(&mut self, plugin: &Plugin, config: &Value, data: &[Packed]) -> Result<Outcome> {
        let (cell, own) = (self.cell, &data[self.cell.index()]);
        let scratch = self.folder.scratch();
        fs::create_dir_all(&scratch).map_err(Error::io(&scratch))?;
        let curves = Curves::default();
        let listener = Listener(&curves);
        let systems: Vec<Geometry> = data.iter().map(|data| Geometry::of(data.header())).collect();
        let suite = &cell.suite;
        let pretrained = cell.initialisation().is_pretrained();
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
        let ready = |work: &mut Self| -> Result<Session<'_>> {
            let mut session = Session::new(plugin, &spec, &listener)?;
            if pretrained {
                work.pretrain(&mut session, config, data, &curves)?;
            }
            Ok(session)
        };

        let (mut session, stored, embedded) = match Stored::load(cell, own, self.folder)? {
            Some((stored, embedded)) => {
                (self.cost.pretrain, self.cost.encode) = (stored.pretrain, stored.encode);
                (None, stored, embedded)
            }
            None => {
                let session = ready(self)?;
                let checksum = encoder_checksum(&session)?;
                let embedded =
                    self.encode(|cell, report| embed::with_session(cell, own, &session, &Split::ALL, report))?;
                let facts = facts(&session, plugin, checksum, &embedded)?;
                let mut stored = Stored {
                    checksum: String::new(),
                    encoder: Some(facts),
                    gradient: gradient_flow(&curves),
                    pretrain: self.cost.pretrain,
                    encode: self.cost.encode,
                };
                stored.save(&embedded, self.folder)?;
                (Some(session), stored, embedded)
            }
        };
        let mut outcome = self.probe(&embedded)?;
        let unchanged = match (&session, &stored.encoder) {
            (Some(session), Some(facts)) => encoder_checksum(session)? == facts.checksum,
            // The probes had the embeddings of an earlier attempt; there was no encoder to change.
            _ => true,
        };
        if !unchanged {
            return Err(Error::Method {
                method: cell.method().to_owned(),
                message: "encoding changed the encoder's weights; a frozen encoder must stay as it is".into(),
            });
        }
        if let Some(health) = &mut outcome.health {
            (health.gradient, health.encoder_unchanged) = (stored.gradient.clone(), Some(unchanged));
        }
        if let Some(budget) = &suite.finetune {
            let mut session = match session.take() {
                Some(session) => session,
                None => ready(self)?,
            };
            self.finetune(budget, own, &mut session, &mut outcome.probed, &embedded)?;
        }
        outcome.encoder = stored.encoder;
        Ok(outcome)
    }

    fn pretrain(&mut self, session: &mut Session<'_>, config: &Value, data: &[Packed], curves: &Curves) -> Result<()> {
        let task = Pretraining {
            suite: &self.cell.suite,
            data,
            method: self.cell.method(),
            config,
            folder: self.pretraining,
            device: self.cell.device,
            checkpoint_every: self.checkpoint_every,
        };
        let progress = &mut self.progress;
        let (batch, mut first) = (self.cell.suite.pretrain.batch as u64, None);
        self.cost.pretrain = pretrain::run(&task, session, curves, |done, total, loss| {
            let (began, before) = *first.get_or_insert((Instant::now(), done));
            let rate = ((done - before) * batch) as f64 / began.elapsed().as_secs_f64();
            let note = loss.map(|loss| format!("loss {loss:.4}, {rate:.1} clips/s")).unwrap_or_default();
            progress.report(Phase::Pretrain, done, total, note)
        })?;
        Ok(())
    }

    /// The track in which labels train the encoder, too.
    fn finetune(
        &mut self,
        budget: &TrainingBudget,
        data: &Packed,
        session: &mut Session<'_>,
        probed: &mut Probed,
        embedded: &Embedded,
    ) -> Result<()> {
        let train = &embedded[&Split::Train];
        let meter = Meter::start(self.cell.device);
        let progress = &mut self.progress;
        let (readings, record) =
            finetune::run(self.cell, budget, data, session, train.embeddings().dim, |done, total| {
                progress.report(Phase::FineTune, done, total, String::new())
            })?;
        self.cost.finetune = meter.cost((budget.epochs * train.n()) as u64);
        probed.readings.extend(readings);
        probed.choices.push(Choice {
            track: Track::EndToEnd,
            probe: finetune::HEAD.to_owned(),
            label_fraction: 1.0,
            record: serde_json::json!(record),
        });
        Ok(())
    }

    /// Hand-made statistics in place of an encoder's tokens.
    pub(super) fn features(&mut self, data: &Packed) -> Result<Outcome> {
        let embedded = match Stored::load(self.cell, data, self.folder)? {
            Some((stored, embedded)) => {
                self.cost.encode = stored.encode;
                embedded
            }
            None => {
                let embedded = self.encode(|cell, report| embed::with_features(cell, data, report))?;
                let mut stored = Stored {
                    checksum: String::new(),
                    encoder: None,
                    gradient: None,
                    pretrain: self.cost.pretrain,
                    encode: self.cost.encode,
                };
                stored.save(&embedded, self.folder)?;
                embedded
            }
        };
        self.probe(&embedded)
    }

    /// The labels alone.
    pub(super) fn mean(&mut self, data: &Packed) -> Result<Outcome> {
        self.probe(&embed::with_nothing(self.cell, data)?)
    }

    /// Lets `embed` embed all windows.
    fn encode(
        &mut self,
        embed: impl FnOnce(&Cell, &mut dyn FnMut(u64, u64) -> Result<()>) -> Result<Embedded>,
    ) -> Result<Embedded> {
        let meter = Meter::start(self.cell.device);
        let progress = &mut self.progress;
        let embedded = embed(self.cell, &mut |done, total| progress.report(Phase::Encode, done, total, String::new()))?;
        self.cost.encode = meter.cost(windows(&embedded));
        Ok(embedded)
    }

    /// Fits and scores the cell's probes, and judges the embeddings.
    fn probe(&mut self, embedded: &Embedded) -> Result<Outcome> {
        let meter = Meter::start(self.cell.device);
        let (cell, progress) = (self.cell, &mut self.progress);
        let (suite, probes) = (&cell.suite, probes(cell));
        let probed =
            probing::run(&probes, &suite.probe.label_fractions, embedded, suite.seed, cell.seed, |done, total| {
                progress.report(Phase::Probe, done, total, String::new())
            })?;
        let health = match &cell.encoder {
            Encoder::Plugin { .. } | Encoder::Features => Some(health(cell, embedded)?),
            Encoder::Mean => None,
        };
        self.cost.probe = meter.cost(windows(embedded));
        Ok(Outcome { splits: probing::trajectories(embedded)?, probed, health, encoder: None })
    }
}

/// What can be told of embeddings by themselves.
fn health(cell: &Cell, embedded: &Embedded) -> Result<Health> {
    let train = &embedded[&Split::Train];
    let (valid, test) = (&embedded[&Split::Valid], &embedded[&Split::Test]);
    let ridge = ridge::Config { penalties: cell.suite.probe.ridge.penalties.clone() };
    Ok(Health {
        spread: health::spread(train.embeddings())?,
        gradient: None,
        encoder_unchanged: None,
        control: Control::of(control::shuffled(train, valid, test, &ridge, SHUFFLES, cell.seed)?),
    })
}

/// The gradient in the first steps of a pretraining.
fn gradient_flow(curves: &Curves) -> Option<GradientFlow> {
    let points = curves.points();
    health::gradient_flow(points.iter().map(|(name, step, value)| (name.as_str(), *step, *value)))
}

/// The sizes and checksums of an encoder, whose weights have `checksum`.
fn facts(session: &Session<'_>, plugin: &Plugin, checksum: String, embedded: &Embedded) -> Result<EncoderFacts> {
    let parameters = session.parameters()?;
    let count = |encoder_only: bool| {
        parameters
            .iter()
            .filter(|parameter| parameter.encoder || !encoder_only)
            .map(|parameter| parameter.shape.iter().product::<u64>())
            .sum()
    };
    let tokens = embedded[&Split::Train].embeddings();
    Ok(EncoderFacts {
        encoder_parameters: count(true),
        method_parameters: count(false),
        tokens: tokens.tokens,
        dim: tokens.dim,
        checksum,
        plugin_checksum: plugin.checksum().to_owned(),
    })
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
