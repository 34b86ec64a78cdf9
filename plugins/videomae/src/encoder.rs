//! The encoder: a vision transformer on tubelets.

use candle_core::{Result, Tensor};
use physrep_nn::{Init, Params, linear, sincos_positions};

use crate::grid::Grid;
use crate::mask::Selection;
use crate::transformer::{Shape, Transformer};

/// Embeds tubelets linearly, adds fixed positions, and lets the tokens attend to each other.
///
/// Parameters: `patch_embed.proj.weight (D, C, t, p, p)`, `patch_embed.proj.bias (D)`, `blocks.I` and `norm`; the names
/// of VideoMAE's checkpoints, whose encoders load.
pub struct Encoder {
    weight: Tensor,
    bias: Tensor,
    positions: Tensor,
    transformer: Transformer,
}

impl Encoder {
    /// An encoder of clips with `channels` channels, cut as `grid` says.
    pub fn new(channels: usize, grid: &Grid, shape: Shape, params: Params) -> Result<Self> {
        let transformer = Transformer::new(shape, params.clone())?;
        let [t, h, w] = grid.tubelet();
        // A convolution to its authors, with PyTorch's default initialisation of one.
        let init = Init::fan_in_uniform(channels * grid.pixels());
        let embed = params.pp("patch_embed.proj");
        Ok(Self {
            weight: embed.get((shape.dim, channels, t, h, w), "weight", init)?,
            bias: embed.get(shape.dim, "bias", init)?,
            positions: sincos_positions(grid.tokens(), shape.dim, params.dtype(), params.device())?.squeeze(0)?,
            transformer,
        })
    }

    /// Of the tubelets of a batch, `(B * tokens, C * pixels)` as [`Grid::cut`] gives them, embeds the selected, which are
    /// all it sees: `(B, n, D)`.
    pub fn forward(&self, tubelets: &Tensor, seen: &Selection) -> Result<Tensor> {
        let tokens = linear(&seen.rows_of(tubelets)?, &self.weight.flatten_from(1)?, &self.bias)?;
        let positions = seen.positions_of(&self.positions)?.to_dtype(tokens.dtype())?;
        self.transformer.forward(&seen.by_sample(&(tokens + positions)?)?)
    }
}
