//! The autoencoder of the code of arXiv:2603.13227: JEPA's encoder, and a decoder that reconstructs the clip.
//!
//! It is the control for JEPA's objective: the same encoder learns to keep all of a clip's pixels rather than what predicts
//! the future.
//!
//! Read on in this order: `config`, `model`.

mod config;
#[cfg(test)]
mod conformance;
mod model;
#[cfg(test)]
mod tests;

use physrep_plugin_api::{About, Batch, Error, Method, Params, Result, Setup, Step, Tensor, Training, export_method};

use config::Config;
use model::Model;

/// The method.
struct Autoencoder {
    model: Model,
    context_frames: usize,
}

impl Method for Autoencoder {
    type Config = Config;
    const ABOUT: About = About {
        name: "autoencoder",
        summary: "Reconstructs a clip from the feature map of JEPA's encoder.",
        reference: "arXiv:2603.13227",
    };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let system = setup.single_system()?;
        let [height, width] = system.size();
        let model = Model::new(config, system.channels.len(), setup.context_frames, params)
            .map_err(|e| Error::Config(format!("autoencoder: {e}")))?;
        let patch = model.patch();
        if !height.is_multiple_of(patch) || !width.is_multiple_of(patch) {
            return Err(Error::Unsupported(format!(
                "autoencoder halves the grid {} times and doubles it as often: both sides of {height}x{width} points must \
                 be multiples of {patch}",
                patch.ilog2()
            )));
        }
        Ok(Self { model, context_frames: setup.context_frames })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    /// Trains on `context_frames` consecutive frames that start at a random frame of the clip.
    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        let starts = batch.clips.dim(2)? - self.context_frames + 1;
        let start = step.rng("frames").below(starts);
        Ok(self.model.loss(&batch.clips.narrow(2, start, self.context_frames)?)?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        // One token per position of the feature map.
        Ok(self.model.encode(&batch.clips)?.flatten(1, 2)?)
    }
}

export_method!(Autoencoder);
