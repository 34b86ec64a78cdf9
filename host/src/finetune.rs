//! The end-to-end track: labels train the encoder, together with the attentive head that reads its tokens.
//!
//! The loss is the host's. A plugin hands out tokens and gets the loss's gradient by them back, so that no label leaves the
//! host. From random initialisation this is the supervised ceiling; from pretrained weights it is fine-tuning.

use std::{ops::Range, thread};

use candle_core::{DType, Device, Tensor, Var};
use physrep_benchmarks::{
    Split,
    packed::{Packed, Window, WindowOrder},
    suite::TrainingBudget,
};
use physrep_nn::{AdamW, AdamWConfig, CosineSchedule, Params, mean_squared_error};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    cell::Cell,
    device::staging::Staging,
    embed::{self, Embedded},
    loader::{Loader, Plan, threads_beside_computation},
    observe::{Look, observe},
    plugin::{Checkpoint, Geometry, Session},
    probe::{
        Labels,
        attentive::{Head, Tokens, normalise, predict, snapshot},
        metrics,
    },
    probing::reading,
    result::{Reading, Track},
};

/// The head's name in tables: the one probe that a gradient passes through.
pub const HEAD: &str = "attentive";

/// What was chosen, and how the training went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The epoch whose weights predict, counted from 1.
    pub epoch: usize,
    /// Mean squared error over each epoch's batches, as they were met in training.
    pub train: Vec<f64>,
    /// Mean squared error on the validation split after each epoch.
    pub valid: Vec<f64>,
}

/// Trains `session`'s encoder, whose tokens have `dim` channels, and a new head on the suite's budget, keeps the epoch that
/// is best on valid, and scores the other splits. `report` hears of windows: how many of how many were seen.
pub fn run(
    cell: &Cell,
    budget: &TrainingBudget,
    data: &Packed,
    session: &mut Session<'_>,
    dim: usize,
    mut report: impl FnMut(u64, u64) -> Result<()>,
) -> Result<(Vec<Reading>, Record)> {
    let windows = data.windows(Split::Train, &cell.suite.window_on(cell.system()));
    let params = Params::new(DType::F32, &Device::Cpu, cell.seed);
    let head = Head::new(dim, data.header().scalings.len(), &params)?;
    let config = AdamWConfig { lr: budget.lr, weight_decay: budget.weight_decay, ..AdamWConfig::default() };
    session.begin_finetuning(budget.weight_decay)?;
    let mut training = Training {
        cell,
        data,
        labels: embed::labels(data, &windows),
        schedule: CosineSchedule {
            peak: budget.lr,
            last: 0.0,
            steps: budget.epochs * windows.len().div_ceil(budget.batch),
            warmup_steps: 0,
            warmup_start: 0.0,
        },
        batch: budget.batch,
        staging: Staging::at(session.place()),
        optimizer: AdamW::new(params.named(), config)?,
        step: 0,
    };

    let (epoch_len, total) = (windows.len() as u64, (windows.len() * budget.epochs) as u64);
    let mut record = Record { epoch: 0, train: vec![], valid: vec![] };
    let mut best = None;
    for epoch in 0..budget.epochs {
        let samples = epoch as u64 * epoch_len..(epoch as u64 + 1) * epoch_len;
        let train = training.epoch(&windows, samples, session, &head, |done| report(done, total))?;
        let valid = &embedded(cell, data, session, &[Split::Valid])?[&Split::Valid];
        let valid = metrics::scores(&predict(&head, &Tokens::new(valid.embeddings()), valid.n())?, valid.labels())?.mse;
        if !train.is_finite() || !valid.is_finite() {
            return Err(diverged(cell, format!("in epoch {}: {train} on train, {valid} on valid", epoch + 1)));
        }
        if record.valid.iter().all(|&before| valid < before) {
            record.epoch = epoch + 1;
            best = Some((session.save()?, snapshot(&params)?));
        }
        record.train.push(train);
        record.valid.push(valid);
    }
    if let Some((encoder, weights)) = &best {
        session.load(encoder, Checkpoint::Encoder)?;
        params.load(weights)?;
    }
    let mut all = Vec::new();
    for (split, embedded) in embedded(cell, data, session, &[Split::Valid, Split::Test, Split::HeldOut])? {
        let predictions = predict(&head, &Tokens::new(embedded.embeddings()), embedded.n())?;
        all.push(reading(Track::EndToEnd, HEAD, 1.0, split, &predictions, embedded.labels())?);
    }
    Ok((all, record))
}

fn embedded(cell: &Cell, data: &Packed, session: &Session<'_>, splits: &[Split]) -> Result<Embedded> {
    embed::with_session(cell, data, session, splits, |_, _| Ok(()))
}

fn diverged(cell: &Cell, what: String) -> Error {
    Error::Method {
        method: cell.method().to_owned(),
        message: format!("end-to-end training diverged {what}; lower `finetune.lr` of the suite"),
    }
}

/// The head's optimizer, and the way through the training split.
struct Training<'a> {
    cell: &'a Cell,
    data: &'a Packed,
    labels: Labels,
    schedule: CosineSchedule,
    batch: usize,
    staging: Staging,
    optimizer: AdamW,
    step: usize,
}

impl Training<'_> {
    /// Sees `samples`, counted from the start of the training; returns the mean squared error over them.
    fn epoch(
        &mut self,
        windows: &[Window],
        samples: Range<u64>,
        session: &mut Session<'_>,
        head: &Head,
        mut report: impl FnMut(u64) -> Result<()>,
    ) -> Result<f64> {
        let suite = &self.cell.suite;
        let (data, frames, system) = (self.data, suite.window.context, self.cell.index());
        let mut order = WindowOrder::new(suite.seed, windows.len());
        let seen: Vec<(u64, usize)> = samples.map(|sample| (sample, order.window(sample))).collect();
        let geometry = Geometry::of(data.header());
        let plan = Plan { batch: self.batch, threads: threads_beside_computation(), staging: self.staging.clone() };
        let clip_len = data.clip_len(frames);
        let mut sum = 0.0;
        thread::scope(|scope| -> Result<()> {
            let loader = Loader::spawn(
                scope,
                plan,
                seen.iter(),
                |_| clip_len,
                |&&(sample, window), clip| {
                    observe(data, suite, windows[window], frames, Look::FineTuning(sample), clip)
                },
            )?;
            for batch in seen.chunks(self.batch) {
                let clips = loader.next()?.expect("as many batches as there are chunks");
                let labels = self.labels_of(batch)?;
                let tokens = session.encode_with_gradient(clips.lend(), geometry.shape(batch.len(), frames), system)?;
                let read = Var::from_vec(tokens.values, &tokens.shape, &Device::Cpu)?;
                let loss = mean_squared_error(&head.forward(&normalise(&read)?)?, &labels)?;
                let value = f64::from(loss.to_scalar::<f32>()?);
                if !value.is_finite() {
                    return Err(diverged(self.cell, format!("at step {}: the loss is {value}", self.step)));
                }
                let gradients = loss.backward()?;
                let learning_rate = self.schedule.at(self.step);
                self.optimizer.step(&gradients, learning_rate)?;
                let gradient = gradients.get(&read).ok_or_else(|| diverged(self.cell, "without a gradient".into()))?;
                session.finetune_step(&gradient.flatten_all()?.to_vec1()?, tokens.shape, learning_rate)?;
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
