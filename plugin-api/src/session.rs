//! A method and its training state, as the host drives them: pretrain, encode, fine-tune, save, load.

mod finetuning;
mod gradient_flow;
mod optimization;
mod parameters;
mod state;
#[cfg(test)]
mod tests;

use candle_core::{DType, Device, Tensor};
use physrep_abi::{HostCallbacks, LoadScope, Parameter, StepReport};
use physrep_nn::{AdamWConfig, DirectGradients, Params, flops};

use crate::{Batch, Error, Method, Result, Setup, Step, config};
use finetuning::FineTuning;
use gradient_flow::{FIRST_STEPS, GradientFlow};
use optimization::Optimization;
use state::SessionState;

/// One method on one set of systems.
pub(crate) struct Session<M> {
    /// Learns.
    method: M,
    /// Encodes with the same parameters, and records no graph.
    inference_copy: M,
    params: Params,
    optimization: Optimization,
    finetuning: Option<FineTuning>,
    /// The type of the clips that the method sees.
    activations: DType,
    setup: Setup,
    host: HostCallbacks,
}

impl<M: Method> Session<M> {
    pub(crate) fn new(config: &str, setup: Setup, host: HostCallbacks) -> Result<Self> {
        let invalid = |why: String| Error::Config(format!("{}: {why}", M::ABOUT.name));
        let config: M::Config = config::parse(M::ABOUT.name, config)?;
        let training = M::training(&config);
        training.validate().map_err(invalid)?;
        let activations = training.precision.activate(&setup.device).map_err(|e| invalid(e.to_string()))?;
        let params = Params::new(DType::F32, &setup.device, setup.seed);
        let method = M::new(&config, &setup, &params)?;
        let inference_copy = M::new(&config, &setup, &params.frozen())?;
        let optimization = Optimization::new(params.trained(), training, setup.pretrain_steps)?;
        Ok(Self { method, inference_copy, params, optimization, finetuning: None, activations, setup, host })
    }

    pub(crate) fn device(&self) -> &Device {
        &self.setup.device
    }

    /// Trains on one batch of `context_frames + future_frames` frames.
    pub(crate) fn pretrain_step(&mut self, batch: &Batch) -> Result<StepReport> {
        self.check(batch, self.setup.context_frames + self.setup.future_frames, "pretraining")?;
        let index = self.optimization.step();
        let step = Step { index, total: self.setup.pretrain_steps, seed: self.setup.seed, host: self.host };
        flops::step_begins();
        let direct = DirectGradients::open();
        let loss = self.method.loss(&self.cast(batch)?, &step)?.to_dtype(DType::F32)?;
        let value = loss.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        if !value.is_finite() {
            return Err(Error::Diverged(format!(
                "the loss is {value} at step {index}: lower the learning rate (now {}) or check the objective",
                self.optimization.training().lr
            )));
        }
        let gradients = direct.backward(&loss)?;
        flops::backward_ran();

        let trained = self.params.trained();
        if index < FIRST_STEPS {
            let flow = GradientFlow::new(&trained, &gradients)?;
            step.metric_value("gradient_norm", flow.norm);
            step.metric_value("gradient_silent", flow.silent as f64);
        }
        let learning_rate = self.optimization.learning_rate();
        if let Some(mut gradients) = self.optimization.accumulate(&trained, gradients)? {
            if let Some(norm) = self.optimization.clip(&trained, &mut gradients)?
                && index >= FIRST_STEPS
            {
                step.metric_value("gradient_norm", norm);
            }
            self.optimization.update(&gradients)?;
            self.method.after_update(&step)?;
        }
        self.optimization.finish_step();
        Ok(StepReport { loss: value, learning_rate })
    }

    /// Encodes clips of `context_frames` frames to tokens `(B, tokens, dim)` in f32.
    pub(crate) fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.tokens(&self.inference_copy, batch)?.detach().to_dtype(DType::F32)?.contiguous()?)
    }

    /// Starts end-to-end training, with a fresh optimizer of the encoder.
    pub(crate) fn begin_finetuning(&mut self, config: AdamWConfig) -> Result<()> {
        let encoder = parameters::encoder(&self.params, M::ENCODER);
        self.finetuning = Some(FineTuning::new(encoder, config)?);
        Ok(())
    }

    /// Encodes clips and keeps the graph for [`encode_backward`](Self::encode_backward).
    pub(crate) fn encode_forward(&mut self, batch: &Batch) -> Result<Tensor> {
        let tokens = self.tokens(&self.method, batch)?.to_dtype(DType::F32)?;
        self.finetuning()?.keep(tokens.clone());
        Ok(tokens.detach())
    }

    /// Propagates the gradient with respect to the last tokens to the encoder's parameters.
    pub(crate) fn encode_backward(&mut self, gradient: &Tensor) -> Result<()> {
        self.finetuning()?.backward(gradient)
    }

    /// Updates the encoder with the gradients of the last [`encode_backward`](Self::encode_backward).
    pub(crate) fn apply_gradients(&mut self, learning_rate: f64) -> Result<()> {
        self.finetuning()?.apply(learning_rate)
    }

    /// The parameters, sorted by name.
    pub(crate) fn parameters(&self) -> Result<Vec<Parameter>> {
        parameters::describe(&self.params, M::ENCODER)
    }

    /// The complete training state as a safetensors file.
    pub(crate) fn save(&self) -> Result<Vec<u8>> {
        SessionState {
            weights: self.params.named().into_iter().map(|(name, var)| (name, var.as_tensor().clone())).collect(),
            optimizer: self.optimization.moments()?,
            gradients: self.optimization.accumulated().clone(),
            step: self.optimization.step(),
        }
        .to_bytes()
    }

    /// Loads a safetensors file, all of it or the encoder's weights.
    pub(crate) fn load(&mut self, file: &[u8], scope: LoadScope) -> Result<()> {
        let misfit = |e: candle_core::Error| Error::Checkpoint(e.to_string());
        match scope {
            LoadScope::Full => {
                let state = SessionState::from_bytes(file, &self.setup.device)?;
                self.params.load(&state.weights).map_err(misfit)?;
                self.optimization.restore(&state.optimizer, state.gradients, state.step).map_err(misfit)
            }
            LoadScope::Encoder => {
                let mut weights = state::encoder_weights(file, M::ENCODER, &self.setup.device)?;
                // All other parameters keep their values.
                for (name, var) in self.params.named() {
                    if !parameters::is_below(&name, M::ENCODER) {
                        weights.insert(name, var.as_tensor().copy()?);
                    }
                }
                self.params.load(&weights).map_err(misfit)
            }
        }
    }

    fn finetuning(&mut self) -> Result<&mut FineTuning> {
        self.finetuning.as_mut().ok_or_else(|| finetuning::out_of_order("end-to-end training", "begin"))
    }

    /// The tokens of `method`, which is the learning instance or its inference copy; their shape is checked.
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

    /// Refuses a batch that the session was not created for.
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
}
