//! The blocks of the encoder: temporal attention, axial attention and an MLP.

use physrep_plugin_api::{
    candle_core::{Result, Tensor, bail},
    nn::{Init, Linear, Params, QkNorm, RelativeBias, gelu, group_norm, linear, self_attention, swap_axes},
};

/// PyTorch's default.
const EPS: f64 = 1e-5;

/// Group normalisation of each frame, with a scale and no shift. Upstream calls it RMSGroupNorm, although it subtracts the
/// mean.
///
/// Parameters: `weight (D)`.
pub(crate) struct FrameNorm {
    weight: Tensor,
    groups: usize,
}

impl FrameNorm {
    /// For `dim` channels, in the largest number of groups up to `groups` that divides them.
    pub(crate) fn new(dim: usize, groups: usize, params: Params) -> Result<Self> {
        let groups = (1..=groups.max(1)).rev().find(|groups| dim.is_multiple_of(*groups)).unwrap_or(1);
        Ok(Self { weight: params.get(dim, "weight", Init::Const(1.0))?, groups })
    }

    /// Frames `(N, .., D)` to the same shape.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        group_norm(x, Some(&self.weight), self.groups, EPS)
    }

    /// As [`forward`](Self::forward), with each channel multiplied by `scale (D)`.
    fn scaled(&self, x: &Tensor, scale: &Tensor) -> Result<Tensor> {
        group_norm(x, Some(&(&self.weight * scale)?), self.groups, EPS)
    }
}

/// Multi-head attention within rows of tokens, without the output projection: queries and keys are normalised, and a learned
/// bias per bucket of relative positions is added to the scores.
///
/// Parameters: `q`, `k`, `v`, `q_norm`, `k_norm`, `bias (32, heads)`.
struct RowAttention {
    heads: usize,
    project: [Linear; 3],
    norm: QkNorm,
    bias: RelativeBias,
}

impl RowAttention {
    fn new(dim: usize, heads: usize, params: Params) -> Result<Self> {
        let [q, k, v] = ["q", "k", "v"].map(|name| Linear::new(dim, dim, params.pp(name)));
        let norm = QkNorm::new(dim, heads, EPS, params.pp("q_norm"), params.pp("k_norm"))?;
        Ok(Self { heads, project: [q?, k?, v?], norm, bias: RelativeBias::new(heads, "bias", &params)? })
    }

    /// Rows of tokens `(R, N, D)` to the same shape.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let tokens = x.dim(1)?;
        let [q, k, v] = self.project.each_ref().map(|project| project.forward(x));
        let bias =
            self.bias.forward(&RelativeBias::buckets(tokens, false, x.device())?, tokens)?.to_dtype(x.dtype())?;
        self_attention(&self.norm.join([q?, k?, v?])?, Some(&bias), self.heads)
    }
}

/// The end of an attention branch: norm, output projection and scale.
///
/// Parameters: `norm`, `out.weight`, `out.bias`, `gamma (D)`.
struct Output {
    norm: FrameNorm,
    weight: Tensor,
    bias: Tensor,
    gamma: Tensor,
}

impl Output {
    fn new(dim: usize, groups: usize, layer_scale: f64, params: Params) -> Result<Self> {
        let (out, init) = (params.pp("out"), Init::fan_in_uniform(dim));
        Ok(Self {
            norm: FrameNorm::new(dim, groups, params.pp("norm"))?,
            weight: out.get((dim, dim), "weight", init)?,
            bias: out.get(dim, "bias", init)?,
            gamma: params.get(dim, "gamma", Init::Const(layer_scale))?,
        })
    }

    /// Frames to the same shape. The scale is multiplied into the projection's weights, which are smaller than the tokens.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let weight = self.weight.broadcast_mul(&self.gamma.unsqueeze(1)?)?;
        linear(&self.norm.forward(x)?, &weight, &(&self.bias * &self.gamma)?)
    }
}

/// A block of the encoder: attention along time, then along height and width in parallel, averaged, then an MLP with four
/// times the width inside. Each is a residual branch with a learned scale.
///
/// Parameters: `temporal.{norm,attention,output}`, `axial.{norm,height,width,output}`,
/// `mlp.{fc1,fc2,norm,gamma}`.
pub(crate) struct Block {
    temporal: (FrameNorm, RowAttention, Output),
    axial: (FrameNorm, [RowAttention; 2], Output),
    mlp: (Linear, Linear, FrameNorm, Tensor),
}

impl Block {
    /// A block for tokens of `dim` channels with `heads` heads.
    ///
    /// # Errors
    /// If `heads` does not divide `dim`.
    pub(crate) fn new(dim: usize, heads: usize, groups: usize, layer_scale: f64, params: Params) -> Result<Self> {
        if heads == 0 || !dim.is_multiple_of(heads) {
            bail!("`heads` (={heads}) must divide `dim` (={dim})");
        }
        let (temporal, axial, mlp) = (params.pp("temporal"), params.pp("axial"), params.pp("mlp"));
        Ok(Self {
            temporal: (
                FrameNorm::new(dim, groups, temporal.pp("norm"))?,
                RowAttention::new(dim, heads, temporal.pp("attention"))?,
                Output::new(dim, groups, layer_scale, temporal.pp("output"))?,
            ),
            axial: (
                FrameNorm::new(dim, groups, axial.pp("norm"))?,
                [RowAttention::new(dim, heads, axial.pp("height"))?, RowAttention::new(dim, heads, axial.pp("width"))?],
                Output::new(dim, groups, layer_scale, axial.pp("output"))?,
            ),
            mlp: (
                Linear::new(dim, 4 * dim, mlp.pp("fc1"))?,
                Linear::new(4 * dim, dim, mlp.pp("fc2"))?,
                FrameNorm::new(dim, groups, mlp.pp("norm"))?,
                mlp.get(dim, "gamma", Init::Const(layer_scale))?,
            ),
        })
    }

    /// Frames of tokens `(B T, H, W, D)`, the T frames of each clip in sequence, to the same shape.
    pub(crate) fn forward(&self, x: &Tensor, frames: usize) -> Result<Tensor> {
        let (n, h, w, dim) = x.dims4()?;
        let (norm, attention, output) = &self.temporal;
        let clips = |x: &Tensor, rows: usize, columns: usize| x.reshape((n / frames, rows, columns, dim));
        let along_time = swap_axes(&clips(&norm.forward(x)?, frames, h * w)?)?.reshape(((), frames, dim))?;
        let read = swap_axes(&clips(&attention.forward(&along_time)?, h * w, frames)?)?.reshape(x.shape())?;
        let x = (x + output.forward(&read)?)?;

        let (norm, [height, width], output) = &self.axial;
        let normal = norm.forward(&x)?;
        let along_height = height.forward(&swap_axes(&normal)?.reshape(((), h, dim))?)?.reshape((n, w, h, dim))?;
        let along_width = width.forward(&normal.reshape(((), w, dim))?)?.reshape(x.shape())?;
        let x = (&x + output.forward(&((swap_axes(&along_height)? + along_width)? * 0.5)?)?)?;

        let (fc1, fc2, norm, gamma) = &self.mlp;
        let hidden = fc2.forward(&gelu(&fc1.forward(&x)?)?)?;
        &x + norm.scaled(&hidden, gamma)?
    }
}
