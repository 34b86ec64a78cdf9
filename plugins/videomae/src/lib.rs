//! VideoMAE (arXiv:2203.12602) on physical fields: a masked autoencoder of clips.
//!
//! A clip is cut into tubelets, boxes of a few frames and grid points. Most of them are hidden. The encoder, a vision
//! transformer, sees the rest, and a smaller decoder predicts the pixels of the hidden ones. As in arXiv:2603.13227, the
//! representation is the encoder's tokens of all tubelets, with nothing hidden.
//!
//! Read on in this order: `config`, `grid` (tubelets), `mask`, `model` with its `encoder` and `decoder` (both are a
//! `transformer`), `target`.

mod config;
#[cfg(test)]
mod conformance;
mod decoder;
mod encoder;
mod grid;
mod mask;
mod model;
mod target;
#[cfg(test)]
mod tests;
mod transformer;

use physrep_plugin_api::{
    About, Batch, Error, Method, Params, Result, Setup, Step, Tensor, Training, candle_core, export_method,
};

use config::Config;
use grid::Grid;
use model::{Model, Parts};

/// The method.
struct VideoMae {
    model: Model,
    context_frames: usize,
}

impl Method for VideoMae {
    type Config = Config;
    const ABOUT: About = About {
        name: "videomae",
        summary: "Predicts the pixels of hidden tubelets from the few that are visible.",
        reference: "arXiv:2203.12602",
    };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let system = setup.single_system()?;
        let invalid = |e: candle_core::Error| Error::Config(e.to_string());
        let grid = Grid::new(setup.context_frames, system.size(), config.tubelet, config.patch).map_err(invalid)?;
        let parts = Parts {
            channels: system.channels.len(),
            grid,
            encoder: config.encoder(),
            decoder: config.decoder,
            mask_ratio: config.mask_ratio,
            norm_target: config.norm_target,
        };
        let model = Model::new(parts, params.clone()).map_err(invalid)?;
        Ok(Self { model, context_frames: setup.context_frames })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    /// Trains on `context_frames` consecutive frames that start at a random frame of the clip: a pretraining clip is longer
    /// than what the encoder takes, and this way all of it is used.
    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        let starts = batch.clips.dim(2)? - self.context_frames + 1;
        let start = step.rng("frames").below(starts);
        let clips = batch.clips.narrow(2, start, self.context_frames)?;
        let mask = self.model.mask(clips.dim(0)?, &mut step.rng("mask"), &clips)?;
        Ok(self.model.loss(&clips, &mask)?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.model.encode(&batch.clips)?)
    }
}

export_method!(VideoMae);
