//! Attention along one axis at a time: blocks of temporal and axial attention.

use candle_core::{Result, Tensor, bail};
use physrep_nn::{Init, LayerNorm, Linear, Params, gelu, group_norm, linear, self_attention};

/// As PyTorch's.
const EPS: f64 = 1e-5;
/// Of relative positions, half of them for each direction.
const BUCKETS: usize = 32;
/// From here on all distances share a bucket.
const FARTHEST: f64 = 32.0;

/// Group normalisation of each frame, with a scale and no shift. Upstream calls it RMSGroupNorm; it subtracts the mean.
///
/// Parameters: `weight (D)`.
pub(crate) struct FrameNorm {
    weight: Tensor,
    groups: usize,
}

impl FrameNorm {
    /// For `dim` channels in at most `groups` groups: in the largest number up to it that divides them.
    pub(crate) fn new(dim: usize, groups: usize, params: Params) -> Result<Self> {
        let groups = (1..=groups.max(1)).rev().find(|groups| dim.is_multiple_of(*groups)).unwrap_or(1);
        Ok(Self { weight: params.get(dim, "weight", Init::Const(1.0))?, groups })
    }

    /// Frames `(N, .., D)` to the same shape.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        group_norm(x, Some(&self.weight), self.groups, EPS)
    }

    /// [`forward`](Self::forward), and each channel times `scale (D)`.
    fn scaled(&self, x: &Tensor, scale: &Tensor) -> Result<Tensor> {
        group_norm(x, Some(&(&self.weight * scale)?), self.groups, EPS)
    }
}

/// Multi-head attention within rows of tokens, before its output projection: queries and keys are normalised, and a
/// learned bias for each bucket of relative positions, T5's (arXiv:1910.10683), is added to the scores.
///
/// Parameters: `q`, `k`, `v`, `q_norm`, `k_norm`, `bias (32, heads)`.
struct RowAttention {
    heads: usize,
    project: [Linear; 3],
    norms: [LayerNorm; 2],
    bias: Tensor,
}

impl RowAttention {
    fn new(dim: usize, heads: usize, params: Params) -> Result<Self> {
        let [q, k, v] = ["q", "k", "v"].map(|name| Linear::new(dim, dim, params.pp(name)));
        let [q_norm, k_norm] = ["q_norm", "k_norm"].map(|name| LayerNorm::new(dim / heads, EPS, params.pp(name)));
        let bias = params.get((BUCKETS, heads), "bias", Init::Normal { std: 1.0 })?;
        Ok(Self { heads, project: [q?, k?, v?], norms: [q_norm?, k_norm?], bias })
    }

    /// Rows of tokens `(.., N, D)` to `(R, N, D)`, with R rows altogether.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (tokens, dim) = (x.dims()[x.rank() - 2], x.dims()[x.rank() - 1]);
        let [q, k, v] = self.project.each_ref().map(|project| project.forward(x));
        let normalised =
            |x: Tensor, norm: &LayerNorm| norm.forward(&x.reshape(((), dim / self.heads))?)?.reshape(((), tokens, dim));
        let (q, k) = (normalised(q?, &self.norms[0])?, normalised(k?, &self.norms[1])?);
        let qkv = Tensor::cat(&[q, k, v?.reshape(((), tokens, dim))?], 2)?;
        let buckets: Vec<u32> =
            (0..tokens * tokens).map(|i| bucket((i % tokens) as i64 - (i / tokens) as i64)).collect();
        let buckets = Tensor::from_vec(buckets, tokens * tokens, x.device())?;
        let bias = self.bias.index_select(&buckets, 0)?.t()?.contiguous()?.reshape((self.heads, tokens, tokens))?;
        self_attention(&qkv, Some(&bias.to_dtype(x.dtype())?), self.heads)
    }
}

/// The bucket of a key that lies `offset` tokens after its query: one for each near offset, and ones that widen as
/// the logarithm does for the others.
fn bucket(offset: i64) -> u32 {
    let per_direction = BUCKETS as u32 / 2;
    let exact = per_direction / 2;
    let direction = if offset > 0 { per_direction } else { 0 };
    let distance = offset.unsigned_abs() as f64;
    let bucket = if distance < f64::from(exact) {
        distance as u32
    } else {
        let along = (distance / f64::from(exact)).ln() / (FARTHEST / f64::from(exact)).ln();
        (exact + (along * f64::from(per_direction - exact)) as u32).min(per_direction - 1)
    };
    direction + bucket
}

/// What attention read, normalised, projected and scaled on its way back to the tokens.
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

    /// Frames to the same shape. The scale multiplies the projection's weights, which are fewer than the tokens.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let weight = self.weight.broadcast_mul(&self.gamma.unsqueeze(1)?)?;
        linear(&self.norm.forward(x)?, &weight, &(&self.bias * &self.gamma)?)
    }
}

/// A block of the hypernetwork: attention along time, then along height and width side by side, averaged, then an MLP
/// with four times the width inside. Each has a residual connection with a learned scale.
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

    /// Frames of tokens `(B T, H, W, D)`, the T frames of a clip one after the other, to the same shape.
    pub(crate) fn forward(&self, x: &Tensor, frames: usize) -> Result<Tensor> {
        let (n, h, w, dim) = x.dims4()?;
        let (norm, attention, output) = &self.temporal;
        let along_time = norm.forward(x)?.reshape((n / frames, frames, h * w, dim))?.transpose(1, 2)?;
        let read = attention.forward(&along_time.contiguous()?)?.reshape((n / frames, h * w, frames, dim))?;
        let read = read.transpose(1, 2)?.contiguous()?.reshape((n, h, w, dim))?;
        let x = (x + output.forward(&read)?)?;

        let (norm, [height, width], output) = &self.axial;
        let normal = norm.forward(&x)?;
        let along_height = height.forward(&normal.transpose(1, 2)?.contiguous()?)?.reshape((n, w, h, dim))?;
        let along_width = width.forward(&normal)?.reshape((n, h, w, dim))?;
        let read = ((along_height.transpose(1, 2)?.contiguous()? + along_width)? * 0.5)?;
        let x = (x + output.forward(&read)?)?;

        let (fc1, fc2, norm, gamma) = &self.mlp;
        let hidden = fc2.forward(&gelu(&fc1.forward(&x)?)?)?;
        &x + norm.scaled(&hidden, gamma)?
    }
}

#[cfg(test)]
mod tests {
    use super::bucket;

    #[test]
    fn near_offsets_have_a_bucket_each_and_far_ones_share() {
        assert_eq!((0..8).map(|i| bucket(-i)).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((1..8).map(bucket).collect::<Vec<_>>(), [17, 18, 19, 20, 21, 22, 23]);
        assert_eq!([8, 9, 16, 31, 32, 1000].map(|i| bucket(-i)), [8, 8, 12, 15, 15, 15]);
        assert_eq!([8, 16, 1000].map(bucket), [24, 28, 31]);
    }
}
