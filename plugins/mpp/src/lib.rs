//! Multiple Physics Pretraining (arXiv:2310.02994): an axial vision transformer reads the history of any of several
//! systems and predicts the frame that follows.
//!
//! Systems share all weights but for the columns of the embedding that their fields pick by name. Each clip is brought to
//! mean 0 and deviation 1 on the way in and back on the way out, so that systems of different scales fit one network. What
//! is probed are the tokens of the last frame, frozen.

pub mod attention;
pub mod block;
pub mod config;
pub mod decoder;
pub mod encoder;
pub mod fields;
pub mod grid;
pub mod model;
pub mod revin;
pub mod stem;

use physrep_plugin_api::{About, Batch, Error, Method, Params, Result, Setup, Step, Tensor, Training, export_method};

pub use config::{Config, Size};
use model::Model;

/// The method.
pub struct Mpp {
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

    /// Any of the clip's histories that have a frame after them may be the one to learn from.
    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        let histories = batch.clips.dim(2)? - self.context_frames;
        let start = step.rng("start").below(histories);
        let history = batch.clips.narrow(2, start, self.context_frames)?;
        let next = batch.clips.narrow(2, start + self.context_frames, 1)?.squeeze(2)?;
        self.model.loss(&history, &next, batch.system, &mut step.rng("drop_path"))
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        self.model.encode(&batch.clips, batch.system)
    }
}

export_method!(Mpp);
