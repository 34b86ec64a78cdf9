//! The encoder: a vision transformer on tubelets.

use physrep_plugin_api::{
    candle_core::{Result, Tensor},
    nn::{Init, Params, linear, sincos_positions},
};

use crate::grid::Grid;
use crate::mask::Selection;
use crate::transformer::{Shape, Transformer};

/// A linear embedding of tubelets, fixed positional embeddings, and a transformer.
///
/// Parameters: `patch_embed.proj.weight (D, C, t, p, p)`, `patch_embed.proj.bias (D)`, `blocks.I` and `norm`; the names
/// of VideoMAE's checkpoints, so their encoders load.
pub struct Encoder {
    weight: Tensor,
    bias: Tensor,
    positions: Tensor,
    transformer: Transformer,
}

impl Encoder {
    /// An encoder of clips with `channels` channels, cut by `grid`.
    pub fn new(channels: usize, grid: &Grid, shape: Shape, params: Params) -> Result<Self> {
        let transformer = Transformer::new(shape, params.clone())?;
        let [t, h, w] = grid.tubelet();
        // The authors use a convolution, with PyTorch's default initialisation.
        let init = Init::fan_in_uniform(channels * grid.pixels());
        let embed = params.pp("patch_embed.proj");
        Ok(Self {
            weight: embed.get((shape.dim, channels, t, h, w), "weight", init)?,
            bias: embed.get(shape.dim, "bias", init)?,
            positions: sincos_positions(grid.tokens(), shape.dim, params.dtype(), params.device())?.squeeze(0)?,
            transformer,
        })
    }

    /// Encodes the selected tubelets of a batch, and sees no others: `(B * tokens, C * pixels)`, as [`Grid::cut`] returns
    /// them, to `(B, n, D)`.
    pub fn forward(&self, tubelets: &Tensor, selected: &Selection) -> Result<Tensor> {
        let tokens = linear(&selected.rows_of(tubelets)?, &self.weight.flatten_from(1)?, &self.bias)?;
        let positions = selected.positions_of(&self.positions)?.to_dtype(tokens.dtype())?;
        self.transformer.forward(&selected.by_sample(&(tokens + positions)?)?)
    }
}
