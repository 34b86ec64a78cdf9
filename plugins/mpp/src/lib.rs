//! Multiple Physics Pretraining (arXiv:2310.02994): an axial vision transformer reads the last frames of any of several
//! systems and predicts the next.
//!
//! Systems share all weights except the columns of the embedding, which a system selects by the names of its fields. Each
//! clip is normalised to mean 0 and standard deviation 1 on the way in, and the prediction is scaled back on the way out, so
//! that systems of different scales fit one network. The representation is the tokens of the last frame.
//!
//! Read on in this order: `config`, `fields`, `grid` (patches), `model`; from it `revin` (normalisation), `encoder` with
//! `stem` and `block` (both attend with `attention`), `decoder`.

mod attention;
mod block;
mod config;
#[cfg(test)]
mod conformance;
mod decoder;
mod encoder;
mod fields;
mod grid;
mod model;
mod revin;
mod stem;
#[cfg(test)]
mod tests;

use physrep_plugin_api::{About, Batch, Error, Method, Params, Result, Setup, Step, Tensor, Training, export_method};

use config::Config;
use model::Model;

/// The method.
struct Mpp {
    model: Model,
    context_frames: usize,
}

impl Method for Mpp {
    type Config = Config;
    const ABOUT: About = About {
        name: "mpp",
        summary: "Predicts the next frame of any of several systems with one axial transformer.",
        reference: "arXiv:2310.02994",
    };
    const JOINT_PRETRAINING: bool = true;

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        if setup.pretrain_steps > 0 && setup.future_frames == 0 {
            return Err(Error::Unsupported(
                "mpp learns to predict the frame after its context: pretraining clips need at least one future frame, \
                 and have none"
                    .into(),
            ));
        }
        Ok(Self { model: Model::new(config, setup, params)?, context_frames: setup.context_frames })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    /// Trains on `context_frames` consecutive frames that start at a random frame of the clip, and the frame after them.
    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        let starts = batch.clips.dim(2)? - self.context_frames;
        let start = step.rng("start").below(starts);
        let history = batch.clips.narrow(2, start, self.context_frames)?;
        let next = batch.clips.narrow(2, start + self.context_frames, 1)?.squeeze(2)?;
        self.model.loss(&history, &next, batch.system, &mut step.rng("drop_path"))
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        self.model.encode(&batch.clips, batch.system)
    }
}

export_method!(Mpp);
