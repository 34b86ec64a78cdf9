//! The record of a plugin's encoder.

use std::{fs, path::Path};

use physrep_benchmarks::{Split, packed::Packed};
use physrep_records::{CellRecord, Cost, Curves, Digest, EncoderSpec, PhaseCost};
use physrep_statistics::GradientFlow;

use super::{
    encoder_facts::{encoder_checksum, encoder_facts},
    record_parts::RecordParts,
    task::CellRun,
};
use crate::{
    error::{Error, Result},
    events::Phase,
    method_process::MethodProcess,
    phase_timer::PhaseTimer,
    plugin::{Geometry, MethodCode, SessionSpec},
    progress::Progress,
    stages::{
        embedded_splits::{EmbeddedSplits, window_count},
        embedding_cache::CachedEmbeddings,
        encode, encode_check, end_to_end,
        fits::Fitter,
        pretrain::{self, Pretraining},
        probe,
    },
};

/// Pretrains unless the cell has random weights, encodes and probes; then trains end to end, if the suite says so. Cached embeddings
/// of an earlier attempt are reused.
///
/// The method in `code` runs in a separate process, which has ended when probes are fitted; end-to-end training has another one.
pub(super) fn record_encoder(
    run: CellRun<'_>,
    code: &MethodCode,
    data: &[Packed],
    progress: &mut Progress<'_>,
) -> Result<CellRecord> {
    let curves = Curves::default();
    Encoder { run, code, data, curves: &curves }.record(progress)
}

/// A cell whose encoder is a plugin's.
struct Encoder<'a> {
    run: CellRun<'a>,
    code: &'a MethodCode,
    /// The data of every system that the encoder is trained on.
    data: &'a [Packed],
    curves: &'a Curves,
}

impl Encoder<'_> {
    fn record(&self, progress: &mut Progress<'_>) -> Result<CellRecord> {
        let cell = self.run.cell;
        let own = &self.data[cell.index()];
        let finetunes = self.code.method_folder()?.is_none_or(|folder| folder.finetunes());
        // First of all: a library that cannot be used must not cost a pretraining.
        let fitter = Fitter::of(cell)?;
        let (cached, embedded) = match CachedEmbeddings::load(cell, own, self.run.folder)? {
            Some(cached) => cached,
            None => self.encode(own, progress)?,
        };
        let (timer, memory) = (PhaseTimer::start(), fitter.memory());
        let mut probed = probe::run(cell, own, &embedded, &fitter, progress)?;
        let probe = PhaseCost { peak_device_memory_mib: memory.peak_mib(), ..timer.cost(window_count(&embedded)) };
        drop(memory);
        let mut cost = Cost { pretrain: cached.pretrain, encode: cached.encode, probe, ..Cost::default() };
        if let Some(budget) = cell.finetune().filter(|_| finetunes) {
            // From here on, the method's code runs again.
            progress.report(Phase::EndToEnd, 0, 1)?;
            let (mut method, _) = self.start(progress)?;
            let train = &embedded[&Split::Train];
            let timer = PhaseTimer::start_with(&mut method)?;
            let dim = train.embeddings().dim;
            let (scores, selection) = end_to_end::run(cell, budget, own, &mut method, dim, progress)?;
            cost.end_to_end = timer.cost_with((budget.epochs * train.n()) as u64, &mut method)?;
            probed.scores.extend(scores);
            probed.selections.push(selection);
        }
        Ok(RecordParts { probed, cached, cost }.record(cell, own))
    }

    /// A process with a session that is pretrained, unless the cell has random weights, and the cost of the pretraining.
    fn start(&self, progress: &mut Progress<'_>) -> Result<(MethodProcess, PhaseCost)> {
        let CellRun { run, cell, folder, pretraining, checkpoint_every } = self.run;
        let EncoderSpec::Plugin { config, .. } = &cell.encoder else { unreachable!("an encoder is a plugin's") };
        let scratch = folder.scratch();
        // What an earlier process has left there is not for this one.
        folder.remove_scratch();
        fs::create_dir_all(&scratch).map_err(Error::io(&scratch))?;
        let suite = &cell.suite;
        let pretrained = cell.initialisation().is_pretrained();
        let spec = SessionSpec {
            config: config.clone(),
            systems: self.data.iter().map(|data| Geometry::of(data.header())).collect(),
            context_frames: suite.window.context,
            future_frames: suite.window.future,
            batch: suite.pretrain.batch,
            steps: if pretrained { pretrain::steps(&suite.pretrain, self.data.len()) } else { 0 },
            seed: cell.seed,
            device: cell.device,
            scratch: scratch.canonicalize().map_err(Error::io(&scratch))?,
        };
        let sources = cell.sources();
        let folders = sources.iter().filter_map(|source| source.path.parent());
        let hidden: Vec<&Path> = folders.chain([run]).collect();
        let mut method = MethodProcess::start(cell.method(), self.code, spec, &hidden)?;
        if !pretrained {
            return Ok((method, PhaseCost::default()));
        }
        let task = Pretraining {
            suite,
            data: self.data,
            method: cell.method(),
            config,
            folder: pretraining,
            checkpoint_every,
        };
        let cost = pretrain::run(&task, &mut method, self.curves, progress)?;
        Ok((method, cost))
    }

    /// Embeds the cell's splits of `data` in a new process, and caches the embeddings.
    fn encode(&self, data: &Packed, progress: &mut Progress<'_>) -> Result<(CachedEmbeddings, EmbeddedSplits)> {
        let cell = self.run.cell;
        let (mut method, pretrain) = self.start(progress)?;
        let parameters = method.parameters()?;
        let timer = PhaseTimer::start_with(&mut method)?;
        let embedded = encode::with_method(cell, data, &mut method, cell.splits(), |done, total| {
            progress.report(Phase::Encode, done, total)
        })?;
        let encode = timer.cost_with(window_count(&embedded), &mut method)?;
        let encoding = encode_check::check(cell, data, &mut method, &embedded)?;
        if encoder_checksum(&method.parameters()?) != encoder_checksum(&parameters) {
            return Err(Error::Method {
                method: cell.method().to_owned(),
                message: "encoding changed the encoder's weights; a frozen encoder must not change".into(),
            });
        }
        let points = self.curves.points();
        let cached = CachedEmbeddings {
            digest: Digest::default(),
            checksum: String::new(),
            encode,
            encoding: Some(encoding),
            encoder_unchanged: parameters.iter().any(|parameter| parameter.encoder).then_some(true),
            pretrain,
            gradient: GradientFlow::of(points.iter().map(|(name, step, value)| (name.as_str(), *step, *value))),
            encoder: Some(encoder_facts(&method, &parameters, &embedded)?),
            sandbox: method.sandbox().to_vec(),
        };
        cached.save(&embedded, self.run.folder)?;
        Ok((cached, embedded))
    }
}
