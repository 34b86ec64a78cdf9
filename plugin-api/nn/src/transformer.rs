//! The transformer block, and positions for its tokens.

mod on_gpu;

use candle_core::{DType, Device, Result, Tensor, bail};

use crate::gelu::gelu;
use crate::gradients::Joined;
use crate::linear::{Linear, linear};
use crate::norm::LayerNorm;
use crate::params::{Init, Params};
use crate::self_attention::self_attention;

/// Weights of a vision transformer start so.
const WEIGHT: Init = Init::TruncNormal { std: 0.02 };
const BIAS: Init = Init::Const(0.0);

/// Multi-head self-attention with an output projection. As in VideoMAE (arXiv:2203.12602), queries and values have a
/// bias, and keys none, which would drop out.
///
/// Parameters: `qkv.weight (3 D, D)`, `q_bias (D)`, `v_bias (D)`, `proj.weight (D, D)`, `proj.bias (D)`.
pub struct SelfAttention {
    heads: usize,
    qkv: Tensor,
    q_bias: Tensor,
    v_bias: Tensor,
    proj: Linear,
}

impl SelfAttention {
    /// Attention between tokens of `dim` channels with `heads` heads.
    ///
    /// # Errors
    /// If `heads` does not divide `dim`.
    pub fn new(dim: usize, heads: usize, params: Params) -> Result<Self> {
        if heads == 0 || !dim.is_multiple_of(heads) {
            bail!("self-attention: {heads} heads do not divide {dim} channels");
        }
        Ok(Self {
            heads,
            qkv: params.pp("qkv").get((3 * dim, dim), "weight", WEIGHT)?,
            q_bias: params.get(dim, "q_bias", BIAS)?,
            v_bias: params.get(dim, "v_bias", BIAS)?,
            proj: Linear::with_init(dim, dim, WEIGHT, BIAS, params.pp("proj"))?,
        })
    }

    /// Tokens `(B, N, D)` to the same shape; `bias (heads, N, N)`, if any, is added to the scores.
    pub fn forward(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let all = Tensor::cat(&[&self.q_bias, &self.q_bias.zeros_like()?, &self.v_bias], 0)?;
        self.proj.forward(&self_attention(&linear(x, &self.qkv, &all)?, bias, self.heads)?)
    }
}

/// A pre-norm transformer block: `x + attn(norm1(x))`, then `x + mlp(norm2(x))` with GELU and four times the width
/// inside.
///
/// Parameters: those of `norm1`, `attn`, `norm2`, `mlp.fc1` and `mlp.fc2`.
pub struct TransformerBlock {
    norm1: LayerNorm,
    attention: SelfAttention,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

impl TransformerBlock {
    /// A block for tokens of `dim` channels; `eps` is that of both norms.
    ///
    /// # Errors
    /// If `heads` does not divide `dim`.
    pub fn new(dim: usize, heads: usize, eps: f64, params: Params) -> Result<Self> {
        let inside = params.pp("mlp");
        Ok(Self {
            norm1: LayerNorm::new(dim, eps, params.pp("norm1"))?,
            attention: SelfAttention::new(dim, heads, params.pp("attn"))?,
            norm2: LayerNorm::new(dim, eps, params.pp("norm2"))?,
            fc1: Linear::with_init(dim, 4 * dim, WEIGHT, BIAS, inside.pp("fc1"))?,
            fc2: Linear::with_init(4 * dim, dim, WEIGHT, BIAS, inside.pp("fc2"))?,
        })
    }

    /// Tokens `(B, N, D)` to the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if !x.device().is_cpu() {
            return on_gpu::block(x, self.parameters()?, self.form());
        }
        let x = (x + self.attention.forward(&self.norm1.forward(x)?, None)?)?;
        let hidden = gelu(&self.fc1.forward(&self.norm2.forward(&x)?)?)?;
        &x + self.fc2.forward(&hidden)?
    }
}

impl TransformerBlock {
    /// All parameters, as [`on_gpu`] takes them.
    fn parameters(&self) -> Result<Joined> {
        let attention = &self.attention;
        let [norm1, norm2] = [self.norm1.tensors(), self.norm2.tensors()];
        let [proj, fc1, fc2] = [attention.proj.tensors(), self.fc1.tensors(), self.fc2.tensors()];
        let biases = [&attention.q_bias, &attention.v_bias];
        Joined::new(&[&norm1[..], &[&attention.qkv], &biases, &proj, &norm2, &fc1, &fc2].concat())
    }

    fn form(&self) -> on_gpu::Form {
        on_gpu::Form { heads: self.attention.heads, eps: self.norm1.eps() }
    }
}

/// Fixed positions of `count` tokens of `dim` channels, `(1, count, dim)`: channel `2 i` holds
/// `sin(n / 10000^(2 i / dim))` at token `n`, and channel `2 i + 1` its cosine (arXiv:1706.03762).
pub fn sincos_positions(count: usize, dim: usize, dtype: DType, device: &Device) -> Result<Tensor> {
    let position = |n: usize, c: usize| {
        let angle = n as f64 / 10_000f64.powf((c / 2 * 2) as f64 / dim as f64);
        if c.is_multiple_of(2) { angle.sin() } else { angle.cos() }
    };
    let values: Vec<f64> = (0..count * dim).map(|i| position(i / dim, i % dim)).collect();
    Tensor::from_vec(values, (1, count, dim), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
}
