//! The decoder: predicts the hidden tubelets from the encoder's tokens of the visible ones.

use physrep_plugin_api::{
    candle_core::{Result, Tensor},
    nn::{Init, Linear, Params, add_bias, linear, sincos_positions},
};

use crate::grid::Grid;
use crate::mask::TubeMask;
use crate::transformer::{Shape, Transformer, xavier_uniform};

/// A smaller transformer on the encoder's tokens and, for each hidden tubelet, the same learned token, all with positional
/// embeddings; a linear head maps the latter to pixels.
///
/// Parameters: `encoder_to_decoder.weight`, `mask_token (1, 1, D)`, `decoder.blocks.I`, `decoder.norm` and `decoder.head`.
pub struct Decoder {
    projection: Tensor,
    mask_token: Tensor,
    positions: Tensor,
    transformer: Transformer,
    head: Linear,
}

impl Decoder {
    /// A decoder from tokens of `encoded` channels to tubelets of `channels` channels.
    pub fn new(encoded: usize, channels: usize, grid: &Grid, shape: Shape, params: Params) -> Result<Self> {
        let inside = params.pp("decoder");
        let transformer = Transformer::new(shape, inside.clone())?;
        let dim = shape.dim;
        let pixels = channels * grid.pixels();
        let projection = params.pp("encoder_to_decoder").get((dim, encoded), "weight", xavier_uniform(encoded, dim))?;
        Ok(Self {
            projection,
            mask_token: params.get((1, 1, dim), "mask_token", Init::TruncNormal { std: 0.02 })?,
            positions: sincos_positions(grid.tokens(), dim, params.dtype(), params.device())?.squeeze(0)?,
            transformer,
            head: Linear::with_init(dim, pixels, xavier_uniform(dim, pixels), Init::Const(0.0), inside.pp("head"))?,
        })
    }

    /// The encoder's tokens `(B, visible, E)` to the hidden tubelets, `(B, hidden, C * pixels)`.
    pub fn forward(&self, encoded: &Tensor, mask: &TubeMask) -> Result<Tensor> {
        let positions = self.positions.to_dtype(encoded.dtype())?;
        let no_bias = self.mask_token.flatten_all()?.zeros_like()?;
        let at_visible = mask.visible.by_sample(&mask.visible.positions_of(&positions)?)?;
        let visible = (linear(encoded, &self.projection, &no_bias)? + at_visible)?;
        let hidden = add_bias(&mask.hidden.positions_of(&positions)?, &self.mask_token.flatten_all()?)?;
        let tokens = Tensor::cat(&[&visible, &mask.hidden.by_sample(&hidden)?], 1)?;
        let tokens = self.transformer.forward(&tokens)?;
        self.head.forward(&tokens.narrow(1, mask.visible.per_sample(), mask.hidden.per_sample())?)
    }
}
