//! One cell from its description to its record.

use std::{fs, time::Duration};

use physrep_abi::LogLevel;
use physrep_benchmarks::{Split, packed::Packed};
use physrep_records::{
    Cell, CellFolder, CellRecord, Cost, Curves, DataSource, EncoderFacts, EncoderSpec, Health, PhaseCost,
    PretrainingFolder, Recipe, SCHEMA, files,
};
use physrep_statistics::GradientFlow;
use serde_json::Value;

use crate::{
    device::keep_freed_memory,
    environment,
    error::{Error, Result},
    events::{Phase, PhaseProgress},
    peak_memory,
    phase_timer::PhaseTimer,
    plugin::{Callbacks, Geometry, Plugin, Session, SessionSpec},
    progress::Progress,
    stages::{
        embedding_cache::CachedEmbeddings,
        encode::{self, EmbeddedSplits},
        end_to_end,
        pretrain::{self, Pretraining},
        probe::{self, Probed},
    },
};

/// A cell and where its files go.
#[derive(Clone, Copy, Debug)]
pub struct CellRun<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// Its folder.
    pub folder: &'a CellFolder,
    /// The folder of its pretraining.
    pub pretraining: &'a PretrainingFolder,
    /// Time between checkpoints of pretraining.
    pub checkpoint_every: Duration,
}

/// Runs a cell in this process and writes its record, resuming from the checkpoint of its pretraining if there is one.
///
/// # Errors
///
/// Whatever keeps the cell from its record; [`Error::Interrupted`] if this process is to stop.
pub fn run_cell(run: CellRun<'_>, listener: &mut dyn FnMut(PhaseProgress) -> Result<()>) -> Result<()> {
    physrep_nn::retain_heap_memory();
    keep_freed_memory(run.cell.device);
    let mut progress = Progress::new(listener);
    progress.report(Phase::Start, 0, 1)?;
    let data = run.cell.sources().iter().map(open_data).collect::<Result<Vec<_>>>()?;
    let record = match &run.cell.encoder {
        EncoderSpec::Plugin { library, checksum, .. } => {
            let plugin = Plugin::open(library)?;
            if plugin.checksum() != checksum {
                return Err(Error::Plugin {
                    path: library.clone(),
                    reason: "it changed since this cell was planned; run the same command again".into(),
                });
            }
            let curves = Curves::default();
            let listener = Listener(&curves);
            let encoder = Encoder { run, plugin: &plugin, data: &data, curves: &curves, listener: &listener };
            encoder.record(&mut progress)?
        }
        EncoderSpec::Features | EncoderSpec::Mean => floor(run, &data[run.cell.index()], &mut progress)?,
    };
    files::write_json(&run.folder.record(), &record)?;
    // Without these the cell is no less done.
    let _ = fs::remove_file(run.folder.failure());
    let _ = fs::remove_dir_all(run.folder.scratch());
    Ok(())
}

/// Opens the packed data of a system, if it is still what it was when the cell was planned.
fn open_data(source: &DataSource) -> Result<Packed> {
    let data = Packed::open(&source.path)?;
    if data.header().checksum == source.checksum {
        return Ok(data);
    }
    Err(Error::file(&source.path, "the packed data changed since this cell was planned; run the same command again"))
}

/// Everything that a cell's record is made of.
struct Outcome {
    probed: Probed,
    gradient: Option<GradientFlow>,
    encoder_unchanged: Option<bool>,
    encoder: Option<EncoderFacts>,
    cost: Cost,
}

impl Outcome {
    /// The record of `cell`, whose own data is `data`.
    fn record(self, cell: &Cell, data: &Packed) -> CellRecord {
        let Self { probed, gradient, encoder_unchanged, encoder, cost } = self;
        let (config, plugin) = match &cell.encoder {
            EncoderSpec::Plugin { config, .. } => {
                let method = cell.suite.variants.get(cell.method()).map_or(cell.method(), String::as_str);
                (config.clone(), Some(method.to_owned()))
            }
            EncoderSpec::Features | EncoderSpec::Mean => (Value::Null, None),
        };
        CellRecord {
            schema: SCHEMA,
            digest: None,
            identity: cell.identity(),
            external: false,
            parameters: data.header().scalings.clone(),
            splits: probed.splits,
            label_subsets: probed.label_subsets,
            scores: probed.scores,
            selections: probed.selections,
            health: probed.checks.map(|(spread, label_permutation)| Health {
                spread,
                gradient,
                encoder_unchanged,
                label_permutation,
            }),
            encoder,
            recipe: Recipe { suite: serde_json::json!(cell.suite), config, plugin },
            environment: environment::current(&cell.data.checksum, cell.device),
            sandbox: Vec::new(),
            cost: Cost { peak_memory_mib: peak_memory::peak().map(|bytes| bytes >> 20), ..cost },
        }
    }
}

/// The record of a floor: hand-made statistics of the fields, or nothing but the labels.
fn floor(run: CellRun<'_>, data: &Packed, progress: &mut Progress<'_>) -> Result<CellRecord> {
    let cell = run.cell;
    let mut cost = Cost::default();
    let embedded = match &cell.encoder {
        EncoderSpec::Mean => encode::with_zeros(cell, data)?,
        _ => match CachedEmbeddings::load(cell, data, run.folder)? {
            Some((cached, embedded)) => {
                cost.encode = cached.encode;
                embedded
            }
            None => {
                let timer = PhaseTimer::start(cell.device);
                let embedded =
                    encode::with_features(cell, data, |done, total| progress.report(Phase::Encode, done, total))?;
                cost.encode = timer.cost(windows(&embedded));
                let mut cached = CachedEmbeddings { encode: cost.encode, ..CachedEmbeddings::default() };
                cached.save(&embedded, run.folder)?;
                embedded
            }
        },
    };
    let timer = PhaseTimer::start(cell.device);
    let probed = probe::run(cell, &embedded, progress)?;
    cost.probe = timer.cost(windows(&embedded));
    Ok(Outcome { probed, gradient: None, encoder_unchanged: None, encoder: None, cost }.record(cell, data))
}

/// A cell whose encoder is a plugin's.
struct Encoder<'a> {
    run: CellRun<'a>,
    plugin: &'a Plugin,
    /// The data of every system that the encoder is trained on.
    data: &'a [Packed],
    curves: &'a Curves,
    listener: &'a Listener<'a>,
}

impl<'a> Encoder<'a> {
    /// Pretrains, unless the cell is about random weights, encodes and probes; then trains end to end, if the suite asks for it.
    /// Cached embeddings of an earlier attempt are used as they are.
    fn record(&self, progress: &mut Progress<'_>) -> Result<CellRecord> {
        let cell = self.run.cell;
        let own = &self.data[cell.index()];
        let (mut session, cached, embedded) = match CachedEmbeddings::load(cell, own, self.run.folder)? {
            Some((cached, embedded)) => (None, cached, embedded),
            None => {
                let (session, cached, embedded) = self.encode(own, progress)?;
                (Some(session), cached, embedded)
            }
        };
        let timer = PhaseTimer::start(cell.device);
        let mut probed = probe::run(cell, &embedded, progress)?;
        let mut cost = Cost {
            pretrain: cached.pretrain,
            encode: cached.encode,
            probe: timer.cost(windows(&embedded)),
            ..Cost::default()
        };
        let encoder_unchanged = match (&session, &cached.encoder) {
            (Some(session), Some(facts)) => Some(self.check_unchanged(session, facts)?),
            // The probes used cached embeddings: there was no encoder to compare.
            _ => None,
        };
        if let Some(budget) = &cell.suite.finetune {
            let mut session = match session.take() {
                Some(session) => session,
                None => self.start(progress)?.0,
            };
            let train = &embedded[&Split::Train];
            let timer = PhaseTimer::start(cell.device);
            let dim = train.embeddings().dim;
            let (scores, selection) = end_to_end::run(cell, budget, own, &mut session, dim, progress)?;
            cost.end_to_end = timer.cost((budget.epochs * train.n()) as u64);
            probed.scores.extend(scores);
            probed.selections.push(selection);
        }
        let CachedEmbeddings { gradient, encoder, .. } = cached;
        Ok(Outcome { probed, gradient, encoder_unchanged, encoder, cost }.record(cell, own))
    }

    /// A session, pretrained unless the cell is about random weights, and the cost of that.
    fn start(&self, progress: &mut Progress<'_>) -> Result<(Session<'a>, PhaseCost)> {
        let CellRun { cell, folder, pretraining, checkpoint_every } = self.run;
        let EncoderSpec::Plugin { config, .. } = &cell.encoder else { unreachable!("an encoder is a plugin's") };
        let scratch = folder.scratch();
        fs::create_dir_all(&scratch).map_err(Error::io(&scratch))?;
        let systems: Vec<Geometry> = self.data.iter().map(|data| Geometry::of(data.header())).collect();
        let suite = &cell.suite;
        let pretrained = cell.initialisation().is_pretrained();
        let spec = SessionSpec {
            config,
            systems: &systems,
            context_frames: suite.window.context,
            future_frames: suite.window.future,
            batch: suite.pretrain.batch,
            steps: if pretrained { pretrain::steps(&suite.pretrain, self.data.len()) } else { 0 },
            seed: cell.seed,
            device: cell.device,
            scratch: &scratch.to_string_lossy(),
        };
        let mut session = Session::new(self.plugin, &spec, self.listener)?;
        if !pretrained {
            return Ok((session, PhaseCost::default()));
        }
        let task = Pretraining {
            suite,
            data: self.data,
            method: cell.method(),
            config,
            folder: pretraining,
            device: cell.device,
            checkpoint_every,
        };
        let cost = pretrain::run(&task, &mut session, self.curves, progress)?;
        Ok((session, cost))
    }

    /// Embeds all splits of `data` with a new session, and caches the embeddings.
    fn encode(
        &self,
        data: &Packed,
        progress: &mut Progress<'_>,
    ) -> Result<(Session<'a>, CachedEmbeddings, EmbeddedSplits)> {
        let cell = self.run.cell;
        let (session, pretrain) = self.start(progress)?;
        let checksum = encoder_checksum(&session)?;
        let timer = PhaseTimer::start(cell.device);
        let embedded = encode::with_session(cell, data, &session, &Split::ALL, |done, total| {
            progress.report(Phase::Encode, done, total)
        })?;
        let points = self.curves.points();
        let mut cached = CachedEmbeddings {
            checksum: String::new(),
            encode: timer.cost(windows(&embedded)),
            pretrain,
            gradient: GradientFlow::of(points.iter().map(|(name, step, value)| (name.as_str(), *step, *value))),
            encoder: Some(facts(&session, self.plugin, checksum, &embedded)?),
        };
        cached.save(&embedded, self.run.folder)?;
        Ok((session, cached, embedded))
    }

    /// Compares the encoder's weights with what they were before encoding.
    fn check_unchanged(&self, session: &Session<'_>, before: &EncoderFacts) -> Result<bool> {
        if encoder_checksum(session)? == before.checksum {
            return Ok(true);
        }
        Err(Error::Method {
            method: self.run.cell.method().to_owned(),
            message: "encoding changed the encoder's weights; a frozen encoder must not change".into(),
        })
    }
}

/// The sizes and checksums of an encoder whose weights have `checksum`.
fn facts(session: &Session<'_>, plugin: &Plugin, checksum: String, embedded: &EmbeddedSplits) -> Result<EncoderFacts> {
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
        method_version: plugin.version().map(str::to_owned),
        method_revision: plugin.revision().map(str::to_owned),
    })
}

/// The number of windows in all splits.
fn windows(embedded: &EmbeddedSplits) -> u64 {
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

/// A session's callbacks: its log goes to this program's, its metrics into the training curves.
struct Listener<'a>(&'a Curves);

impl Callbacks for Listener<'_> {
    fn log(&self, level: LogLevel, message: &str) {
        log_method(level, message);
    }

    fn metric(&self, name: &str, step: u64, value: f64) {
        self.0.record(name, step, value);
    }
}

/// Logs a line of a method.
pub(crate) fn log_method(level: LogLevel, message: &str) {
    let level = match level {
        LogLevel::Warn => log::Level::Warn,
        LogLevel::Info => log::Level::Info,
        LogLevel::Debug => log::Level::Debug,
    };
    log::log!(level, "{message}");
}
