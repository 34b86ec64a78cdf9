//! The autoencoder of the code of arXiv:2603.13227: JEPA's encoder, and a decoder that gives the clip back.
//!
//! It answers what JEPA's objective is worth: the same encoder is asked for all of a clip's pixels, not for what the future
//! can be told from.

pub mod model;

use physrep_plugin_api::{About, Batch, Error, Method, Params, Result, Setup, Step, Tensor, Training, export_method};
use serde::{Deserialize, Serialize};

use model::Model;

/// The hyper-parameters; the defaults are those of the paper's JEPA, with the reference's decoder.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Channels of each stage of the encoder, and from the last one backwards of the decoder. Five stages for clips of 16
    /// frames, four for 4.
    pub dims: Vec<usize>,
    /// Residual blocks of each stage of the encoder.
    pub num_res_blocks: Vec<usize>,
    /// Residual blocks of each stage of the decoder, which are one fewer.
    pub decoder_blocks: Vec<usize>,
    /// What the scale of every residual branch starts at.
    pub layer_scale: f64,
    /// The optimizer and its schedule.
    pub training: Training,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dims: vec![16, 32, 64, 128, 128],
            num_res_blocks: vec![3, 3, 3, 9, 3],
            decoder_blocks: vec![3, 9, 3, 3],
            layer_scale: 1e-6,
            training: Training::default(),
        }
    }
}

/// The method.
pub struct Autoencoder {
    model: Model,
    context_frames: usize,
}

impl Method for Autoencoder {
    type Config = Config;
    const ABOUT: About = About {
        name: "autoencoder",
        summary: "Gives a clip back from the map that JEPA's encoder makes of it.",
        reference: "arXiv:2603.13227",
    };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let system = setup.single_system()?;
        let [height, width] = system.size();
        let model = Model::new(config, system.channels.len(), setup.context_frames, params)
            .map_err(|e| Error::Config(format!("autoencoder: {e}")))?;
        let patch = model.encoder().patch();
        if !height.is_multiple_of(patch) || !width.is_multiple_of(patch) {
            return Err(Error::Unsupported(format!(
                "autoencoder halves a grid {} times and doubles it as often: {height}x{width} points must be multiples of \
                 {patch}",
                patch.ilog2()
            )));
        }
        Ok(Self { model, context_frames: setup.context_frames })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    /// Learns from `context_frames` frames that follow each other, from a random place in the window.
    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        let places = batch.clips.dim(2)? - self.context_frames + 1;
        let first = step.rng("frames").below(places);
        Ok(self.model.loss(&batch.clips.narrow(2, first, self.context_frames)?)?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.model.encoder().forward(&batch.clips)?.flatten(1, 2)?)
    }
}

export_method!(Autoencoder);
