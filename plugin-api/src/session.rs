//! A method in training: the networks, the optimizer and the count of steps, saved and restored as one.

mod finetune;
mod gradient;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Tensor, Var};
use physrep_abi::{Host, LoadScope, Parameter, StepReport};
use physrep_nn::{AdamW, CosineSchedule, DirectGradients, Params, clip_gradients, flops};
use serde_json::Value;

use crate::{Batch, Error, Method, Result, Setup, Step, Training};
use finetune::FineTuning;
use gradient::{FIRST_STEPS, Flow};

/// Names of what a saved state holds beside the weights. No module path begins with an `@`.
const OPTIMIZER: &str = "@optimizer.";
const GRADIENT: &str = "@gradient.";
const STEP: &str = "@step";

/// One method on one set of systems.
pub(crate) struct Session<M> {
    /// Learns.
    method: M,
    /// Only encodes, with the same parameters, and leaves no graph behind.
    twin: M,
    params: Params,
    optimizer: AdamW,
    training: Training,
    schedule: CosineSchedule,
    /// Sums of gradients since the last update, by parameter; empty right after one.
    gradients: BTreeMap<String, Tensor>,
    step: u64,
    /// The type of the clips that the method sees.
    activations: DType,
    setup: Setup,
    host: Host,
    finetuning: Option<FineTuning>,
}

impl<M: Method> Session<M> {
    pub(crate) fn new(config: &str, setup: Setup, host: Host) -> Result<Self> {
        let config: M::Config = parse_config(M::ABOUT.name, config)?;
        let training = M::training(&config);
        training.validate().map_err(|why| Error::Config(format!("{}: {why}", M::ABOUT.name)))?;
        let activations =
            training.precision.activate(&setup.device).map_err(|e| Error::Config(format!("{}: {e}", M::ABOUT.name)))?;
        let params = Params::new(DType::F32, &setup.device, setup.seed);
        let method = M::new(&config, &setup, &params)?;
        let twin = M::new(&config, &setup, &params.frozen())?;
        let optimizer = AdamW::new(params.trained(), training.adamw())?;
        let updates = setup.steps.div_ceil(training.accumulate);
        let schedule = CosineSchedule {
            peak: training.lr,
            last: training.final_lr,
            steps: updates as usize,
            warmup_steps: (training.warmup * updates as f64).round() as usize,
            warmup_start: training.final_lr,
        };
        Ok(Self {
            method,
            twin,
            params,
            optimizer,
            training,
            schedule,
            gradients: BTreeMap::new(),
            step: 0,
            activations,
            setup,
            host,
            finetuning: None,
        })
    }

    pub(crate) fn device(&self) -> &Device {
        &self.setup.device
    }

    pub(crate) fn pretrain_step(&mut self, batch: &Batch) -> Result<StepReport> {
        self.check(batch, self.setup.context_frames + self.setup.future_frames, "pretraining")?;
        let step = Step { index: self.step, of: self.setup.steps, seed: self.setup.seed, host: self.host };
        flops::step_begins();
        let direct = DirectGradients::open();
        let loss = self.method.loss(&self.cast(batch)?, &step)?.to_dtype(DType::F32)?;
        let value = loss.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        if !value.is_finite() {
            return Err(Error::Diverged(format!(
                "the loss is {value} at step {}: lower the learning rate (now {}) or check the objective",
                self.step, self.training.lr
            )));
        }
        let learning_rate = self.schedule.at((self.step / self.training.accumulate) as usize);
        let mut grads = direct.backward(&loss)?;
        flops::backward_ran();
        if self.step < FIRST_STEPS {
            let flow = Flow::of(&self.params.trained(), &grads)?;
            self.tell("gradient_norm", flow.norm);
            self.tell("gradient_silent", flow.silent as f64);
        }
        let last_of_update =
            (self.step + 1).is_multiple_of(self.training.accumulate) || self.step + 1 == self.setup.steps;
        for (name, var) in self.params.trained() {
            let Some(gradient) = grads.get(&var) else {
                continue; // the optimizer names a parameter that no gradient reaches
            };
            let mut sum = gradient.clone();
            if let Some(before) = self.gradients.remove(&name) {
                sum = (sum + before)?;
            }
            if last_of_update {
                if self.training.accumulate > 1 {
                    sum = (sum / self.training.accumulate as f64)?;
                }
                grads.insert(&var, sum);
            } else {
                // Kept beyond this step, so it must not hold the graph.
                self.gradients.insert(name, sum.detach());
            }
        }
        if last_of_update {
            if self.training.clip > 0.0 {
                let norm = clip_gradients(&self.params.trained(), &mut grads, self.training.clip)?;
                if self.step >= FIRST_STEPS {
                    self.tell("gradient_norm", norm);
                }
            }
            self.optimizer.step(&grads, learning_rate)?;
            self.method.updated(&step)?;
        }
        self.step += 1;
        Ok(StepReport { loss: value, learning_rate })
    }

    /// Tells the host a number of this step.
    fn tell(&self, name: &str, value: f64) {
        (self.host.metric)(self.host.context, name.into(), self.step, value);
    }

    pub(crate) fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.tokens(&self.twin, batch)?.detach().to_dtype(DType::F32)?.contiguous()?)
    }

    /// What the method, or its twin, embeds a batch as, checked.
    fn tokens(&self, method: &M, batch: &Batch) -> Result<Tensor> {
        self.check(batch, self.setup.context_frames, "encoding")?;
        let tokens = method.encode(&self.cast(batch)?)?;
        let clips = batch.clips.dim(0)?;
        match *tokens.dims() {
            [b, n, d] if b == clips && n > 0 && d > 0 => Ok(tokens),
            _ => Err(Error::Other(format!(
                "`encode` returned {:?} for {clips} clips; expected (B, tokens, dim) = ({clips}, ..)",
                tokens.dims()
            ))),
        }
    }

    /// The batch in the type of activations.
    fn cast(&self, batch: &Batch) -> Result<Batch> {
        Ok(Batch { clips: batch.clips.to_dtype(self.activations)?, system: batch.system })
    }

    /// Whether a batch is what the session was created for.
    fn check(&self, batch: &Batch, frames: usize, purpose: &str) -> Result<()> {
        let system = self.setup.systems.get(batch.system).ok_or_else(|| {
            Error::Unsupported(format!(
                "a batch of system {} in a session of {} systems",
                batch.system,
                self.setup.systems.len()
            ))
        })?;
        let (_, c, t, h, w) = batch.clips.dims5()?;
        let [height, width] = system.size();
        let wanted = (system.channels.len(), frames, height, width);
        if (c, t, h, w) != wanted {
            return Err(Error::Unsupported(format!(
                "clips for {purpose} are (C, T, H, W) = {:?}; this session was created for {wanted:?}",
                (c, t, h, w)
            )));
        }
        Ok(())
    }

    pub(crate) fn parameters(&self) -> Result<Vec<Parameter>> {
        self.params
            .named()
            .into_iter()
            .map(|(name, var)| {
                Ok(Parameter {
                    shape: var.dims().iter().map(|&d| d as u64).collect(),
                    encoder: is_encoder::<M>(&name),
                    checksum: checksum(&var)?,
                    name: name.into(),
                })
            })
            .collect()
    }

    pub(crate) fn save(&self) -> Result<Vec<u8>> {
        let mut tensors: BTreeMap<String, Tensor> = BTreeMap::new();
        for (name, var) in self.params.named() {
            tensors.insert(name, var.as_tensor().clone());
        }
        for (name, tensor) in self.optimizer.state()? {
            tensors.insert(format!("{OPTIMIZER}{name}"), tensor);
        }
        for (name, tensor) in &self.gradients {
            tensors.insert(format!("{GRADIENT}{name}"), tensor.clone());
        }
        tensors.insert(STEP.into(), Tensor::new(self.step as i64, &Device::Cpu)?);
        safetensors::serialize(&tensors, None)
            .map_err(|e| Error::State(format!("the state cannot be written as safetensors: {e}")))
    }

    pub(crate) fn load(&mut self, file: &[u8], scope: LoadScope) -> Result<()> {
        let tensors = candle_core::safetensors::load_buffer(file, &self.setup.device)
            .map_err(|e| Error::State(format!("not a safetensors file: {e}")))?;
        match scope {
            LoadScope::State => self.load_state(tensors),
            LoadScope::Encoder => self.load_encoder(tensors),
        }
    }

    fn load_state(&mut self, tensors: HashMap<String, Tensor>) -> Result<()> {
        let mut weights = BTreeMap::new();
        let mut optimizer = BTreeMap::new();
        let mut gradients = BTreeMap::new();
        let mut step = None;
        for (name, tensor) in tensors {
            if let Some(name) = name.strip_prefix(OPTIMIZER) {
                optimizer.insert(name.to_owned(), tensor);
            } else if let Some(name) = name.strip_prefix(GRADIENT) {
                gradients.insert(name.to_owned(), tensor);
            } else if name == STEP {
                step = Some(tensor.to_scalar::<i64>()? as u64);
            } else {
                weights.insert(name, tensor);
            }
        }
        let step = step.ok_or_else(|| {
            Error::State(format!("the file has no `{STEP}`: it holds weights, not the state of a training run"))
        })?;
        self.params
            .load(&weights)
            .and_then(|()| self.optimizer.load_state(&optimizer))
            .map_err(|e| Error::State(e.to_string()))?;
        self.gradients = gradients;
        self.step = step;
        Ok(())
    }

    /// Takes the encoder's weights from a checkpoint of the whole method, or of the encoder alone.
    fn load_encoder(&mut self, tensors: HashMap<String, Tensor>) -> Result<()> {
        let whole = tensors.keys().any(|name| is_encoder::<M>(name));
        let mut found: BTreeMap<String, Tensor> = tensors
            .into_iter()
            .filter(|(name, _)| !whole || is_encoder::<M>(name))
            .map(|(name, tensor)| match whole {
                true => (name, tensor),
                false => (format!("{}.{name}", M::ENCODER), tensor),
            })
            .collect();
        // The rest of the method keeps its own weights.
        for (name, var) in self.params.named() {
            if !is_encoder::<M>(&name) {
                found.insert(name, var.as_tensor().copy()?);
            }
        }
        self.params.load(&found).map_err(|e| Error::State(e.to_string()))
    }
}

fn is_encoder<M: Method>(name: &str) -> bool {
    name.strip_prefix(M::ENCODER).is_some_and(|rest| rest.starts_with('.'))
}

fn checksum(var: &Var) -> Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    for value in var.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()? {
        hasher.update(&value.to_le_bytes());
    }
    Ok(*hasher.finalize().as_bytes())
}

/// The configuration with defaults for absent keys; an unknown key is an error that lists the known ones.
fn parse_config<C: serde::Serialize + serde::de::DeserializeOwned + Default>(method: &str, json: &str) -> Result<C> {
    let given: Value = serde_json::from_str(json)
        .map_err(|e| Error::Config(format!("{method}: the configuration is not JSON: {e}")))?;
    let mut merged = serde_json::to_value(C::default())
        .map_err(|e| Error::Config(format!("{method}: the default configuration: {e}")))?;
    merge(&mut merged, given, method)?;
    serde_json::from_value(merged).map_err(|e| Error::Config(format!("{method}: {e}")))
}

fn merge(into: &mut Value, from: Value, path: &str) -> Result<()> {
    match (into, from) {
        (Value::Object(known), Value::Object(given)) => {
            for (key, value) in given {
                let keys = known.keys().cloned().collect::<Vec<_>>().join(", ");
                let slot = known
                    .get_mut(&key)
                    .ok_or_else(|| Error::Config(format!("`{path}` has no key `{key}`; it has: {keys}")))?;
                merge(slot, value, &format!("{path}.{key}"))?;
            }
        }
        (slot, value) => *slot = value,
    }
    Ok(())
}
