//! The record of a plugin's encoder.

use std::fs;

use physrep_abi::LogLevel;
use physrep_benchmarks::{Split, packed::Packed};
use physrep_records::{CellRecord, Cost, Curves, EncoderFacts, EncoderSpec, PhaseCost};
use physrep_statistics::GradientFlow;

use super::{
    encoder_facts::{encoder_checksum, encoder_facts},
    record_parts::RecordParts,
    task::CellRun,
};
use crate::{
    error::{Error, Result},
    events::Phase,
    phase_timer::PhaseTimer,
    plugin::{Callbacks, Geometry, Plugin, Session, SessionSpec, log_method},
    progress::Progress,
    stages::{
        embedding_cache::CachedEmbeddings,
        encode::{self, EmbeddedSplits, window_count},
        encode_check, end_to_end,
        pretrain::{self, Pretraining},
        probe,
    },
};

/// Pretrains unless the cell has random weights, encodes and probes; then trains end to end, if the suite says so. Cached embeddings
/// of an earlier attempt are reused.
pub(super) fn record_encoder(
    run: CellRun<'_>,
    plugin: &Plugin,
    data: &[Packed],
    progress: &mut Progress<'_>,
) -> Result<CellRecord> {
    let curves = Curves::default();
    let listener = Listener(&curves);
    Encoder { run, plugin, data, curves: &curves, listener: &listener }.record(progress)
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
        let mut probed = probe::run(cell, own, &embedded, progress)?;
        let mut cost = Cost {
            pretrain: cached.pretrain,
            encode: cached.encode,
            probe: timer.cost(window_count(&embedded)),
            ..Cost::default()
        };
        let encoder_unchanged = match (&session, &cached.encoder) {
            (Some(session), Some(facts)) => Some(self.check_unchanged(session, facts)?),
            // The probes used cached embeddings: there is no session to compare with.
            _ => None,
        };
        if let Some(budget) = cell.finetune() {
            // From here on, the method's code runs again.
            progress.report(Phase::EndToEnd, 0, 1)?;
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
        let CachedEmbeddings { gradient, encoder, encoding, .. } = cached;
        Ok(RecordParts { probed, gradient, encoder_unchanged, encoding, encoder, cost }.record(cell, own))
    }

    /// A session, pretrained unless the cell has random weights, and the cost of the pretraining.
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

    /// Embeds the cell's splits of `data` with a new session, and caches the embeddings.
    fn encode(
        &self,
        data: &Packed,
        progress: &mut Progress<'_>,
    ) -> Result<(Session<'a>, CachedEmbeddings, EmbeddedSplits)> {
        let cell = self.run.cell;
        let (session, pretrain) = self.start(progress)?;
        let checksum = encoder_checksum(&session)?;
        let timer = PhaseTimer::start(cell.device);
        let embedded = encode::with_session(cell, data, &session, cell.splits(), |done, total| {
            progress.report(Phase::Encode, done, total)
        })?;
        let encode = timer.cost(window_count(&embedded));
        let encoding = encode_check::check(cell, data, &session, &embedded)?;
        let points = self.curves.points();
        let mut cached = CachedEmbeddings {
            checksum: String::new(),
            encode,
            encoding: Some(encoding),
            pretrain,
            gradient: GradientFlow::of(points.iter().map(|(name, step, value)| (name.as_str(), *step, *value))),
            encoder: Some(encoder_facts(&session, self.plugin, checksum, &embedded)?),
        };
        cached.save(&embedded, self.run.folder)?;
        Ok((session, cached, embedded))
    }

    /// Compares the encoder's weights with those before encoding.
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

/// A session's callbacks: log lines go to this program's log, metrics to the training curves.
struct Listener<'a>(&'a Curves);

impl Callbacks for Listener<'_> {
    fn log(&self, level: LogLevel, message: &str) {
        log_method(level, message);
    }

    fn metric(&self, name: &str, step: u64, value: f64) {
        self.0.record(name, step, value);
    }
}
