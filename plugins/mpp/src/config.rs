//! The hyper-parameters, and the sizes that follow from them for given systems. `--set mpp.KEY=VALUE` overrides a key.

use physrep_plugin_api::{Error, Geometry, Result, Training};
use serde::{Deserialize, Serialize};

/// The sides of a patch that the stem supports.
const PATCHES: [usize; 3] = [16, 8, 4];
/// The smallest number of patches along the shortest side of a grid that the default patch leaves.
const FEWEST: usize = 8;

/// The published sizes of the network.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// 192 channels, 3 heads, 12 blocks; what arXiv:2603.13227 compares.
    Tiny,
    /// 384 channels, 6 heads, 12 blocks.
    Small,
    /// 768 channels, 12 heads, 12 blocks.
    Base,
    /// 1024 channels, 16 heads, 24 blocks.
    Large,
}

/// The hyper-parameters; the defaults are the paper's except for the optimizer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Channels, heads and blocks of the transformer: `tiny`, `small`, `base` or `large`.
    pub size: Size,
    /// Channels of a token; overrides the size's. A multiple of 4.
    pub dim: Option<usize>,
    /// Attention heads; overrides the size's. They divide `dim`.
    pub heads: Option<usize>,
    /// Number of blocks; overrides the size's.
    pub depth: Option<usize>,
    /// Grid points along the side of a patch: 4, 8 or 16. If absent, the largest that leaves at least 8 patches along the
    /// shortest side of all systems' grids, or 4: 16 for 224 points, 8 for 64, 4 for 32.
    pub patch: Option<usize>,
    /// Initial scale of every residual branch. With the paper's value every block starts as the identity.
    pub layer_scale: f64,
    /// Probability that a clip skips a residual branch of the last block in pretraining; it grows linearly from 0 in the
    /// first block.
    pub drop_path: f64,
    /// The optimizer and its schedule.
    pub training: Training,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            size: Size::Tiny,
            dim: None,
            heads: None,
            depth: None,
            patch: None,
            layer_scale: 1e-6,
            drop_path: 0.1,
            training: Training { weight_decay: 1e-3, clip: 1.0, ..Training::default() },
        }
    }
}

/// The transformer's sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Channels of a token.
    pub dim: usize,
    /// Attention heads.
    pub heads: usize,
    /// Blocks.
    pub depth: usize,
    /// Grid points along the side of a patch.
    pub patch: usize,
}

impl Config {
    /// The sizes for these systems.
    ///
    /// # Errors
    /// [`Error::Config`] if values do not fit each other or the systems' grids.
    pub fn shape(&self, systems: &[Geometry]) -> Result<Shape> {
        let (dim, heads, depth) = match self.size {
            Size::Tiny => (192, 3, 12),
            Size::Small => (384, 6, 12),
            Size::Base => (768, 12, 12),
            Size::Large => (1024, 16, 24),
        };
        let dim = self.dim.unwrap_or(dim);
        let heads = self.heads.unwrap_or(heads);
        let depth = self.depth.unwrap_or(depth);
        let refuse = |why: String| Err(Error::Config(why));
        if dim == 0 || !dim.is_multiple_of(4) {
            return refuse(format!(
                "`dim` (={dim}) must be a positive multiple of 4: the stem has a quarter as many channels"
            ));
        }
        if heads == 0 || !dim.is_multiple_of(heads) {
            return refuse(format!("`heads` (={heads}) must divide `dim` (={dim})"));
        }
        if depth == 0 {
            return refuse("`depth` (=0) must be 1 or more".into());
        }
        if !self.layer_scale.is_finite() || self.layer_scale == 0.0 {
            return refuse(format!("`layer_scale` (={}) must be a number other than 0", self.layer_scale));
        }
        if !(0.0..1.0).contains(&self.drop_path) {
            return refuse(format!("`drop_path` (={}) must be in [0, 1)", self.drop_path));
        }
        let patch = self.patch.unwrap_or_else(|| default_patch(systems));
        if !PATCHES.contains(&patch) {
            return refuse(format!("`patch` (={patch}) must be 4, 8 or 16"));
        }
        for [height, width] in systems.iter().map(Geometry::size) {
            let divides = height.is_multiple_of(patch) && width.is_multiple_of(patch);
            if !divides || height / patch * (width / patch) < 2 {
                return refuse(format!(
                    "a grid of {height} x {width} points must be cut into at least two whole patches: `patch` is {patch}, one of 4, 8 \
                     and 16, and both sides must be multiples of it, such as {} x {} or {} x {}",
                    height / patch * patch,
                    width / patch * patch,
                    height.next_multiple_of(patch),
                    width.next_multiple_of(patch),
                ));
            }
        }
        Ok(Shape { dim, heads, depth, patch })
    }
}

/// The default side of a patch.
fn default_patch(systems: &[Geometry]) -> usize {
    let shortest = systems.iter().flat_map(Geometry::size).min().unwrap_or(0);
    PATCHES.into_iter().find(|patch| shortest / patch >= FEWEST).unwrap_or(4)
}
