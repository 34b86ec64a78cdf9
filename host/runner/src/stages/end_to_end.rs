//! End-to-end training: the encoder and the attentive head on its tokens are trained together on labels.
//!
//! This program computes the loss. A plugin returns tokens and gets the gradient of the loss with respect to them, so that no label
//! reaches it. From random initialisation this is the supervised ceiling; from pretrained weights it is fine-tuning.

use std::{ops::Range, thread};

use candle_core::{DType, Device, Tensor, Var};
use physrep_abi::LoadScope;
use physrep_benchmarks::{
    Split,
    packed::{NoiseStream, Packed, Window, WindowOrder, load_clip},
    suite::FinetuneBudget,
};
use physrep_evaluation::{AttentiveHead, Tokens, copy_weights, normalise_tokens};
use physrep_nn::{AdamW, AdamWConfig, CosineSchedule, Params, mean_squared_error};
use physrep_records::{Cell, ProbeScore, Selection, Track};
use physrep_statistics::{Labels, scores};
use serde::{Deserialize, Serialize};

use super::{
    embedded_splits::{EmbeddedSplits, labels},
    encode,
    probe_score::Fitted,
};
use crate::{
    device::Staging,
    error::{Error, Result},
    events::Phase,
    method_process::MethodProcess,
    plugin::Geometry,
    prefetch::{Loader, PrefetchSettings, threads_beside_computation},
    progress::Progress,
};

/// The head's name in tables: the only probe that is trained end to end.
const HEAD: &str = "attentive";

/// The selected epoch, and the training history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct EndToEndRecord {
    /// The epoch whose weights predict, counted from 1.
    epoch: usize,
    /// Mean squared error over each epoch's batches, before each update.
    train: Vec<f64>,
    /// Mean squared error on the validation split after each epoch.
    valid: Vec<f64>,
}

/// Trains the encoder of `method`, whose tokens have `dim` dimensions, and a new head with the suite's budget, selects the epoch that
/// is best on valid, and scores all splits but train.
pub(crate) fn run(
    cell: &Cell,
    budget: &FinetuneBudget,
    data: &Packed,
    method: &mut MethodProcess,
    dim: usize,
    progress: &mut Progress<'_>,
) -> Result<(Vec<ProbeScore>, Selection)> {
    let windows = data.windows(Split::Train, &cell.suite.window_on(cell.system()));
    let params = Params::new(DType::F32, &Device::Cpu, cell.seed);
    let head = AttentiveHead::new(dim, data.header().scalings.len(), &params)?;
    let config = AdamWConfig { lr: budget.lr, weight_decay: budget.weight_decay, ..AdamWConfig::default() };
    method.begin_finetuning(budget.weight_decay)?;
    let mut training = Training {
        cell,
        data,
        labels: labels(data, &windows),
        schedule: CosineSchedule {
            peak: budget.lr,
            last: 0.0,
            steps: budget.epochs * windows.len().div_ceil(budget.batch),
            warmup_steps: 0,
            warmup_start: 0.0,
        },
        batch: budget.batch,
        dim,
        staging: method.staging(),
        optimizer: AdamW::new(params.named(), config)?,
        step: 0,
    };

    let (epoch_len, total) = (windows.len() as u64, (windows.len() * budget.epochs) as u64);
    let mut record = EndToEndRecord { epoch: 0, train: vec![], valid: vec![] };
    let mut best = None;
    for epoch in 0..budget.epochs {
        let samples = epoch as u64 * epoch_len..(epoch as u64 + 1) * epoch_len;
        let train =
            training.epoch(&windows, samples, method, &head, |done| progress.report(Phase::EndToEnd, done, total))?;
        let valid = &embedded(cell, data, method, &[Split::Valid])?[&Split::Valid];
        let valid = scores(&head.predict(&Tokens::new(valid.embeddings()), valid.n())?, valid.labels())?.mse;
        if !train.is_finite() || !valid.is_finite() {
            return Err(diverged(cell, format!("in epoch {}: {train} on train, {valid} on valid", epoch + 1)));
        }
        if record.valid.iter().all(|&before| valid < before) {
            record.epoch = epoch + 1;
            best = Some((method.save()?, copy_weights(&params)?));
        }
        record.train.push(train);
        record.valid.push(valid);
    }
    if let Some((encoder, weights)) = &best {
        method.load(encoder, LoadScope::Encoder)?;
        params.load(weights)?;
    }
    let fitted = Fitted { track: Track::EndToEnd, probe: HEAD, label_fraction: 1.0 };
    let mut all = Vec::new();
    for (split, embedded) in embedded(cell, data, method, &[Split::Valid, Split::Test, Split::HeldOut])? {
        let predictions = head.predict(&Tokens::new(embedded.embeddings()), embedded.n())?;
        all.extend(fitted.scores(data, split, &[predictions], embedded.labels())?);
    }
    let selection = Selection {
        track: Track::EndToEnd,
        probe: HEAD.to_owned(),
        label_fraction: 1.0,
        fit: 0,
        device: physrep_records::Device::Cpu,
        record: serde_json::json!(record),
    };
    Ok((all, selection))
}

fn embedded(cell: &Cell, data: &Packed, method: &mut MethodProcess, splits: &[Split]) -> Result<EmbeddedSplits> {
    encode::with_method(cell, data, method, splits, |_, _| Ok(()))
}

fn diverged(cell: &Cell, what: String) -> Error {
    Error::Method {
        method: cell.method().to_owned(),
        message: format!("end-to-end training diverged {what}; lower `finetune.lr` of the suite"),
    }
}

/// The state of the training: the head's optimizer and the step.
struct Training<'a> {
    cell: &'a Cell,
    data: &'a Packed,
    labels: Labels,
    schedule: CosineSchedule,
    batch: usize,
    /// The width of tokens.
    dim: usize,
    staging: Staging,
    optimizer: AdamW,
    step: usize,
}

impl Training<'_> {
    /// Trains on `samples`, counted from the start of the training; returns the mean squared error over them.
    fn epoch(
        &mut self,
        windows: &[Window],
        samples: Range<u64>,
        method: &mut MethodProcess,
        head: &AttentiveHead,
        mut report: impl FnMut(u64) -> Result<()>,
    ) -> Result<f64> {
        let suite = &self.cell.suite;
        let (data, frames, system) = (self.data, suite.window.context, self.cell.index());
        let mut order = WindowOrder::new(suite.seed, windows.len());
        let seen: Vec<(u64, usize)> = samples.map(|sample| (sample, order.window(sample))).collect();
        let geometry = Geometry::of(data.header());
        let settings = PrefetchSettings {
            batch: self.batch,
            threads: threads_beside_computation(),
            staging: self.staging.clone(),
        };
        let clip_len = data.clip_len(frames);
        let mut sum = 0.0;
        thread::scope(|scope| -> Result<()> {
            let loader = Loader::spawn(
                scope,
                settings,
                seen.iter(),
                |_| clip_len,
                |&&(sample, window), clip| {
                    Ok(load_clip(data, suite, windows[window], frames, NoiseStream::EndToEnd(sample), clip)?)
                },
            )?;
            for batch in seen.chunks(self.batch) {
                let clips = loader.next()?.expect("the loader has one batch per chunk");
                let labels = self.labels_of(batch)?;
                let tokens = method.encode_with_gradient(clips.part()?, geometry.shape(batch.len(), frames), system)?;
                if tokens.shape[2] != self.dim {
                    let (found, dim) = (tokens.shape, self.dim);
                    let message = format!(
                        "tokens of shape {found:?} in end-to-end training; they were {dim} wide when it was frozen"
                    );
                    return Err(Error::method(self.cell.method(), &message));
                }
                let input = Var::from_vec(tokens.values, &tokens.shape, &Device::Cpu)?;
                let loss = mean_squared_error(&head.forward(&normalise_tokens(&input)?)?, &labels)?;
                let value = f64::from(loss.to_scalar::<f32>()?);
                if !value.is_finite() {
                    return Err(diverged(self.cell, format!("at step {}: the loss is {value}", self.step)));
                }
                let gradients = loss.backward()?;
                let learning_rate = self.schedule.at(self.step);
                self.optimizer.step(&gradients, learning_rate)?;
                let gradient = gradients.get(&input).ok_or_else(|| diverged(self.cell, "without a gradient".into()))?;
                method.finetune_step(&gradient.flatten_all()?.to_vec1()?, tokens.shape, learning_rate)?;
                sum += value * batch.len() as f64;
                self.step += 1;
                report(batch[batch.len() - 1].0 + 1)?;
            }
            Ok(())
        })?;
        Ok(sum / seen.len() as f64)
    }

    /// The labels of a batch, `(B, P)`.
    fn labels_of(&self, batch: &[(u64, usize)]) -> Result<Tensor> {
        let width = self.labels.names.len();
        let values: Vec<f32> =
            batch.iter().flat_map(|&(_, window)| &self.labels.values[window * width..][..width]).copied().collect();
        Ok(Tensor::from_vec(values, (batch.len(), width), &Device::Cpu)?)
    }
}
