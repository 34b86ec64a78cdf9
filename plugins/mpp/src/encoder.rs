//! The encoder: an axial vision transformer (AViT) over the last frames of a system.

use physrep_plugin_api::{
    candle_core::{Result, Tensor},
    nn::{Params, RelativeBias, Rng},
};

use crate::{block::Block, config::Shape, grid::Grid, stem::Stem};

/// The encoder of arXiv:2310.02994.
///
/// Parameters: those of [`Stem`], and of each [`Block`] under `blocks.I`.
pub struct Encoder {
    stem: Stem,
    /// Relative positions of the frames, `(T * T)`.
    frames: Tensor,
    blocks: Vec<Block>,
}

impl Encoder {
    /// An encoder of `frames` frames of systems with `fields` fields in all. Residual branches start at scale `layer_scale`;
    /// the probability of skipping one grows from 0 in the first block to `drop_path` in the last.
    pub fn new(
        fields: usize,
        frames: usize,
        shape: Shape,
        layer_scale: f64,
        drop_path: f64,
        params: Params,
    ) -> Result<Self> {
        let Shape { dim, heads, depth, patch } = shape;
        let block = |i: usize| {
            let rate = if depth > 1 { drop_path * i as f64 / (depth - 1) as f64 } else { 0.0 };
            Block::new(dim, heads, layer_scale, rate, params.pp("blocks").pp(i))
        };
        Ok(Self {
            stem: Stem::new(fields, dim, patch, params.clone())?,
            frames: RelativeBias::buckets(frames, false, params.device())?,
            blocks: (0..depth).map(block).collect::<Result<_>>()?,
        })
    }

    /// Normalised histories `(B, C, T, H, W)` of the fields `columns (C)` to the tokens of the last frame, `(B, S, D)`; the
    /// `S` positions are the patches of `grid`, row by row. Branches are skipped at random if `rng` is given.
    pub fn forward(&self, clips: &Tensor, columns: &Tensor, grid: &Grid, mut rng: Option<&mut Rng>) -> Result<Tensor> {
        let mut x = self.stem.forward(clips, columns)?;
        for (i, block) in self.blocks.iter().enumerate() {
            let last = i + 1 == self.blocks.len();
            x = block.forward(&x, &self.frames, grid, last, rng.as_deref_mut())?;
        }
        x.squeeze(1)
    }
}
