//! The hyper-parameters. Every key has a default; `--set videomae.KEY=VALUE` overrides one.

use physrep_plugin_api::Training;
use serde::{Deserialize, Serialize};

use crate::transformer::Shape;

/// The hyper-parameters; the defaults are VideoMAE's for its small encoder.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The encoder's size: `tiny`, `small` or `base`.
    pub size: Size,
    /// Channels of the encoder's tokens; overrides the size's.
    pub dim: Option<usize>,
    /// Blocks of the encoder; overrides the size's.
    pub depth: Option<usize>,
    /// Attention heads of the encoder; overrides the size's.
    pub heads: Option<usize>,
    /// Frames of a tubelet.
    pub tubelet: usize,
    /// Grid points along the sides of a tubelet. If absent, the largest power of two up to 16 that leaves at least 8 patches
    /// along the shorter side of the clips.
    pub patch: Option<usize>,
    /// The decoder, which serves the objective alone.
    pub decoder: Shape,
    /// Fraction of patches that is hidden, in all frames.
    pub mask_ratio: f64,
    /// Whether each tubelet of the target is normalised by its own mean and standard deviation.
    pub norm_target: bool,
    /// The optimizer and its schedule. VideoMAE's learning rate is 1.5e-4 for updates of 256 clips and scales with their
    /// number; the value here is used as it is.
    pub training: Training,
}

/// The encoder's size by its usual name.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// 192 channels, 12 blocks, 3 heads.
    Tiny,
    /// 384 channels, 12 blocks, 6 heads: the size in arXiv:2603.13227.
    Small,
    /// 768 channels, 12 blocks, 12 heads.
    Base,
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
    /// The encoder's transformer: the size's, with the overrides.
    pub fn encoder(&self) -> Shape {
        let (dim, heads) = match self.size {
            Size::Tiny => (192, 3),
            Size::Small => (384, 6),
            Size::Base => (768, 12),
        };
        Shape { dim: self.dim.unwrap_or(dim), depth: self.depth.unwrap_or(12), heads: self.heads.unwrap_or(heads) }
    }
}
