//! Multi-head attention along lines of tokens, shared by the temporal and the axial layers.

use physrep_plugin_api::{
    candle_core::{Result, Tensor},
    nn::{Init, Params, QkNorm, RelativeBias, linear, self_attention},
};

/// PyTorch's default, which the published code uses.
const EPS: f64 = 1e-5;

/// Attention with queries and keys normalised per head, and learned biases of relative positions.
///
/// Parameters: `input_head.{weight (3 D, D), bias (3 D)}` with queries before keys before values,
/// `{qnorm,knorm}.{weight,bias} (D / heads)`, `output_head.{weight (D, D), bias (D)}` and
/// `rel_pos_bias.relative_attention_bias.weight (32, heads)`.
pub struct Attention {
    heads: usize,
    input: (Tensor, Tensor),
    norm: QkNorm,
    output: (Tensor, Tensor),
    bias: RelativeBias,
}

impl Attention {
    /// Attention between tokens of `dim` channels with `heads` heads.
    pub fn new(dim: usize, heads: usize, params: &Params) -> Result<Self> {
        let init = Init::fan_in_uniform(dim);
        let (input, output) = (params.pp("input_head"), params.pp("output_head"));
        Ok(Self {
            heads,
            input: (input.get((3 * dim, dim), "weight", init)?, input.get(3 * dim, "bias", init)?),
            norm: QkNorm::new(dim, heads, EPS, params.pp("qnorm"), params.pp("knorm"))?,
            output: (output.get((dim, dim), "weight", init)?, output.get(dim, "bias", init)?),
            bias: RelativeBias::new(heads, "relative_attention_bias.weight", &params.pp("rel_pos_bias"))?,
        })
    }

    /// Tokens `(.., D)` to queries, keys and values, `(.., 3 D)`.
    pub fn project(&self, x: &Tensor) -> Result<Tensor> {
        let dim = self.output.0.dim(0)?;
        let part = |i: usize| linear(x, &self.input.0.narrow(0, i * dim, dim)?, &self.input.1.narrow(0, i * dim, dim)?);
        self.norm.join([part(0)?, part(1)?, part(2)?])
    }

    /// Attention within each of `A` lines of `N` tokens: `(A, N, 3 D)` to `(A, N, D)`. `buckets (N * N)` are the relative
    /// positions of all pairs of tokens.
    pub fn attend(&self, qkv: &Tensor, buckets: &Tensor) -> Result<Tensor> {
        let bias = self.bias.forward(buckets, qkv.dim(1)?)?;
        self_attention(qkv, Some(&bias), self.heads)
    }

    /// The output projection of `(.., D)`, scaled by `gamma (D)`, in one product.
    pub fn output(&self, x: &Tensor, gamma: &Tensor) -> Result<Tensor> {
        let (weight, bias) = &self.output;
        linear(x, &weight.broadcast_mul(&gamma.unsqueeze(1)?)?, &(bias * gamma)?)
    }
}
