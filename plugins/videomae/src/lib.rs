//! VideoMAE (arXiv:2203.12602) on fields: a vision transformer sees a tenth of a clip, a decoder guesses the rest.
//!
//! As arXiv:2603.13227 has it, what is read afterwards are the tokens of all tubelets, with nothing masked.

pub mod decoder;
pub mod encoder;
pub mod grid;
pub mod mask;
pub mod model;
pub mod target;
pub mod transformer;

use physrep_plugin_api::{About, Batch, Error, Method, Params, Result, Setup, Step, Tensor, Training, export_method};
use serde::{Deserialize, Serialize};

use grid::Grid;
use model::{Model, Parts};
use transformer::Shape;

/// The encoder's size by its usual name.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// 192 channels, 12 blocks, 3 heads.
    Tiny,
    /// 384 channels, 12 blocks, 6 heads: what arXiv:2603.13227 used.
    Small,
    /// 768 channels, 12 blocks, 12 heads.
    Base,
}

impl Size {
    fn shape(self) -> Shape {
        let (dim, heads) = match self {
            Self::Tiny => (192, 3),
            Self::Small => (384, 6),
            Self::Base => (768, 12),
        };
        Shape { dim, depth: 12, heads }
    }
}

/// The hyper-parameters; the defaults are VideoMAE's for its small encoder.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The encoder's size: `tiny`, `small` or `base`.
    pub size: Size,
    /// Channels of the encoder's tokens, in place of the size's.
    pub dim: Option<usize>,
    /// Blocks of the encoder, in place of the size's.
    pub depth: Option<usize>,
    /// Heads of the encoder, in place of the size's.
    pub heads: Option<usize>,
    /// Frames of a tubelet.
    pub tubelet: usize,
    /// Points along a tubelet's sides. Without a value, the largest power of two up to 16 that leaves at least 8 patches
    /// along the shorter side of the clips.
    pub patch: Option<usize>,
    /// The decoder, which only serves the objective.
    pub decoder: Shape,
    /// The share of patches that is hidden, in all frames.
    pub mask_ratio: f64,
    /// Whether each tubelet to be guessed is normalised by its own mean and deviation.
    pub norm_target: bool,
    /// The optimizer and its schedule. VideoMAE's learning rate is 1.5e-4 for updates of 256 clips, and proportional to
    /// their number; the value here is taken as it is.
    pub training: Training,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            size: Size::Small,
            dim: None,
            depth: None,
            heads: None,
            tubelet: 2,
            patch: None,
            decoder: Shape { dim: 192, depth: 4, heads: 3 },
            mask_ratio: 0.9,
            norm_target: true,
            training: Training { lr: 1.5e-4, final_lr: 1e-5, warmup: 0.05, ..Training::default() },
        }
    }
}

impl Config {
    fn encoder(&self) -> Shape {
        let Shape { dim, depth, heads } = self.size.shape();
        Shape { dim: self.dim.unwrap_or(dim), depth: self.depth.unwrap_or(depth), heads: self.heads.unwrap_or(heads) }
    }
}

/// The method.
pub struct VideoMae {
    model: Model,
    context_frames: usize,
}

impl Method for VideoMae {
    type Config = Config;
    const ABOUT: About = About {
        name: "videomae",
        summary: "Guesses the pixels of hidden tubes from the few that are visible.",
        reference: "arXiv:2203.12602",
    };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let system = setup.single_system()?;
        let refused = |e: physrep_plugin_api::candle_core::Error| Error::Config(e.to_string());
        let grid = Grid::new(setup.context_frames, system.size(), config.tubelet, config.patch).map_err(refused)?;
        let parts = Parts {
            channels: system.channels.len(),
            grid,
            encoder: config.encoder(),
            decoder: config.decoder,
            mask_ratio: config.mask_ratio,
            norm_target: config.norm_target,
        };
        let model = Model::new(parts, params.clone()).map_err(refused)?;
        Ok(Self { model, context_frames: setup.context_frames })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    /// Learns from `context_frames` frames that follow each other, from a random place in the window: a window is longer
    /// than what the encoder takes, and this way all of it is of use.
    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        let places = batch.clips.dim(2)? - self.context_frames + 1;
        let first = step.rng("frames").below(places);
        let clips = batch.clips.narrow(2, first, self.context_frames)?;
        let mask = self.model.mask(clips.dim(0)?, &mut step.rng("mask"), &clips)?;
        Ok(self.model.loss(&clips, &mask)?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.model.encode(&batch.clips)?)
    }
}

export_method!(VideoMae);
