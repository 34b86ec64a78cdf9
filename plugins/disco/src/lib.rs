//! DISCO (arXiv:2504.19496): a hypernetwork infers from a clip the operator that evolves it.
//!
//! An encoder compresses the clip to one latent vector, and a generator maps that to the weights of a small operator network,
//! different weights for every clip. The operator is a time derivative: integrated from the last frame over one unit of
//! time, it predicts the next frame. All that the operator knows of the clip's physics passes through the latent vector, which
//! is the representation.
//!
//! Read on in this order: `config` with `grid` (default sizes), `model`; from it `hypernetwork` (the encoder) with
//! `attention`, `generator`, `operator`, `integrator`, `standardise`.

mod attention;
mod config;
#[cfg(test)]
mod conformance;
mod generator;
mod grid;
mod hypernetwork;
mod integrator;
mod model;
mod operator;
mod standardise;
#[cfg(test)]
mod tests;

use physrep_plugin_api::{
    About, Batch, Device, Error, Method, Params, Result, Setup, Step, Tensor, Training, export_method,
};

use config::Config;
use model::{Model, Objective};

/// The method.
struct Disco {
    model: Model,
    context_frames: usize,
}

impl Method for Disco {
    type Config = Config;
    const ABOUT: About = About {
        name: "disco",
        summary: "Infers from a clip the operator that evolves it, and integrates it to the next frame.",
        reference: "arXiv:2504.19496",
    };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let system = setup.single_system()?;
        if setup.pretrain_steps > 0 && setup.future_frames == 0 {
            return Err(Error::Unsupported(
                "disco predicts the frame after the context, and was given pretraining clips without a future".into(),
            ));
        }
        let invalid = Error::Config;
        let sizes = config.for_grid(system.size()).map_err(invalid)?;
        let model = Model::new(config, sizes, system, params).map_err(|e| invalid(e.to_string()))?;
        Ok(Self { model, context_frames: setup.context_frames })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    /// Trains on `context_frames` consecutive frames that start at a random frame of the clip, and the frame after them.
    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        let starts = batch.clips.dim(2)? - self.context_frames;
        let start = step.rng("start").below(starts);
        let context = batch.clips.narrow(2, start, self.context_frames)?;
        let next = batch.clips.narrow(2, start + self.context_frames, 1)?.squeeze(2)?;
        let Objective { loss, accepted, rejected } = self.model.objective(&context, &next)?;
        let count = |n: usize| Tensor::new(n as f64, &Device::Cpu);
        step.metric("steps", &count(accepted)?)?;
        step.metric("rejected", &count(rejected)?)?;
        Ok(loss)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        // A single token.
        Ok(self.model.encode(&batch.clips)?.unsqueeze(1)?)
    }
}

export_method!(Disco);
