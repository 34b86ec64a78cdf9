//! Attention among tokens: matrix products, and kernels for the steps between them.
//!
//! The forward pass keeps the softmax, and the queries, keys and values of the heads, for the backward pass.

use candle_core::{Result, Tensor};

use crate::cuda::composite::Composite;
use crate::cuda::plan::Plan;
use crate::cuda::plans::{attention as plans, sums};

const OP: &str = "self_attention";

/// `(B, N, D)` from a contiguous `qkv (B, N, 3 D)` and a bias `(heads, N, N)`.
pub(crate) fn self_attention(qkv: &Tensor, bias: Option<&Tensor>, heads: usize) -> Result<Tensor> {
    let attention = Attention::new(qkv, heads)?;
    let (heads_out, kept) = attention.forward(&qkv.detach(), bias.map(Tensor::detach).as_ref())?;
    let last = attention.join(1)?;
    match bias {
        Some(bias) => {
            let backward = move |gradient: &Tensor| {
                let (dqkv, dscores) = attention.backward(&kept, gradient)?;
                Ok([Some(dqkv), Some(attention.bias_gradient(&dscores)?)])
            };
            qkv.apply_op2(bias, Composite::new(last, [&heads_out], backward))
        }
        None => {
            let backward = move |gradient: &Tensor| Ok([Some(attention.backward(&kept, gradient)?.0)]);
            qkv.apply_op1(Composite::new(last, [&heads_out], backward))
        }
    }
}

/// What the forward pass keeps for the backward pass: queries, keys and values `(B heads, N, d)`, and the softmax of
/// their scores `(B heads, N, N)`.
pub(crate) struct Kept {
    parts: [Tensor; 3],
    weights: Tensor,
}

/// The shape of an attention.
#[derive(Clone, Copy)]
pub(crate) struct Attention {
    batch: usize,
    tokens: usize,
    heads: usize,
    /// Channels of one head.
    width: usize,
}

impl Attention {
    /// From the shape of `qkv (B, N, 3 D)`.
    pub(crate) fn new(qkv: &Tensor, heads: usize) -> Result<Self> {
        let (batch, tokens, width) = qkv.dims3()?;
        Ok(Self { batch, tokens, heads, width: width / 3 / heads })
    }

    fn scale(&self) -> f64 {
        (self.width as f64).powf(-0.5)
    }

    /// The result of each head, `(B heads, N, d)`, from a detached `qkv (B, N, 3 D)`.
    pub(crate) fn forward(&self, qkv: &Tensor, bias: Option<&Tensor>) -> Result<(Tensor, Kept)> {
        let [q, k, v] = self.split(qkv)?;
        let scores = q.matmul(&k.t()?)?;
        let softmax = plans::softmax(OP, scores.dims(), self.scale(), bias.map(|_| self.heads * self.tokens))?;
        let weights = match bias {
            Some(bias) => softmax.on([&scores, bias])?,
            None => softmax.on([&scores])?,
        };
        Ok((weights.matmul(&v)?, Kept { parts: [q, k, v], weights }))
    }

    /// `(B, N, 3 D)` to queries, keys and values, each `(B heads, N, d)`.
    fn split(&self, qkv: &Tensor) -> Result<[Tensor; 3]> {
        let Self { batch, tokens, heads, width } = *self;
        let shape = (3, batch * heads, tokens, width);
        let parts = plans::reorder(OP, [batch, tokens, 3, heads], [2, 0, 3, 1], width, shape)?.on([qkv])?;
        Ok([parts.get(0)?, parts.get(1)?, parts.get(2)?])
    }

    /// `(parts, B heads, N, d)` to `(B, N, parts D)`.
    pub(crate) fn join(&self, parts: usize) -> Result<Plan> {
        let Self { batch, tokens, heads, width } = *self;
        let shape = (batch, tokens, parts * heads * width);
        plans::reorder(OP, [parts, batch, heads, tokens], [1, 3, 0, 2], width, shape)
    }

    /// The gradients of qkv and of the scores, from the gradient of the result `(B, N, D)`.
    pub(crate) fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<(Tensor, Tensor)> {
        let Self { batch, tokens, heads, width } = *self;
        let Kept { parts: [q, k, v], weights } = kept;
        let shape = (batch * heads, tokens, width);
        let gradient = plans::reorder(OP, [batch, tokens, heads, 1], [0, 2, 1, 3], width, shape)?.on([gradient])?;
        let dweights = gradient.matmul(&v.t()?)?;
        let dscores = plans::softmax_backward(OP, weights.dims(), self.scale())?.on([weights, &dweights])?;
        let dq = dscores.matmul(k)?;
        let dk = dscores.t()?.matmul(q)?;
        let dv = weights.t()?.matmul(&gradient)?;
        Ok((self.join(3)?.on([&Tensor::cat(&[dq, dk, dv], 0)?])?, dscores))
    }

    /// The gradient of the bias from the gradient of the scores.
    fn bias_gradient(&self, dscores: &Tensor) -> Result<Tensor> {
        let Self { batch, tokens, heads, .. } = *self;
        let each = dscores.reshape((batch, heads * tokens * tokens))?;
        let sum = sums::columns(OP, each.dims())?.on([&each])?;
        sum.reshape((heads, tokens, tokens))? / self.scale()
    }
}
