//! Attention on a GPU, in one operation of the graph: matrix products, and kernels for what lies between them.
//!
//! The forward pass leaves the softmax and the heads' queries, keys and values to the backward pass.

use candle_core::{Result, Tensor};

use super::OP;
use crate::cuda::{Composite, Plan, attention, sums};

/// See [`super::self_attention`]; `qkv` is contiguous.
pub(super) fn self_attention(qkv: &Tensor, bias: Option<&Tensor>, heads: usize) -> Result<Tensor> {
    let form = Form::new(qkv, heads)?;
    let (read, kept) = form.forward(&qkv.detach(), bias.map(Tensor::detach).as_ref())?;
    let last = form.join(1)?;
    match bias {
        Some(bias) => {
            let backward = move |gradient: &Tensor| {
                let (dqkv, dscores) = form.backward(&kept, gradient)?;
                Ok([Some(dqkv), Some(form.bias_gradient(&dscores)?)])
            };
            qkv.apply_op2(bias, Composite::new(last, [&read], backward))
        }
        None => {
            let backward = move |gradient: &Tensor| Ok([Some(form.backward(&kept, gradient)?.0)]);
            qkv.apply_op1(Composite::new(last, [&read], backward))
        }
    }
}

/// What the forward pass leaves to the backward pass: queries, keys and values `(B heads, N, d)`, and the softmax of their
/// scores `(B heads, N, N)`.
pub(crate) struct Kept {
    parts: [Tensor; 3],
    weights: Tensor,
}

/// The shape of an attention.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    batch: usize,
    tokens: usize,
    heads: usize,
    /// Of one head.
    width: usize,
}

impl Form {
    /// That of `qkv (B, N, 3 D)`.
    pub(crate) fn new(qkv: &Tensor, heads: usize) -> Result<Self> {
        let (batch, tokens, width) = qkv.dims3()?;
        Ok(Self { batch, tokens, heads, width: width / 3 / heads })
    }

    fn scale(&self) -> f64 {
        (self.width as f64).powf(-0.5)
    }

    /// What each head reads, `(B heads, N, d)`, from `qkv (B, N, 3 D)` without a trace.
    pub(crate) fn forward(&self, qkv: &Tensor, bias: Option<&Tensor>) -> Result<(Tensor, Kept)> {
        let [q, k, v] = self.split(qkv)?;
        let scores = q.matmul(&k.t()?)?;
        let softmax = attention::softmax(OP, scores.dims(), self.scale(), bias.map(|_| self.heads * self.tokens))?;
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
        let parts = attention::reorder(OP, [batch, tokens, 3, heads], [2, 0, 3, 1], width, shape)?.on([qkv])?;
        Ok([parts.get(0)?, parts.get(1)?, parts.get(2)?])
    }

    /// `(parts, B heads, N, d)` to `(B, N, parts D)`.
    pub(crate) fn join(&self, parts: usize) -> Result<Plan> {
        let Self { batch, tokens, heads, width } = *self;
        let shape = (batch, tokens, parts * heads * width);
        attention::reorder(OP, [parts, batch, heads, tokens], [1, 3, 0, 2], width, shape)
    }

    /// The gradients of qkv and of the scores, from that of the result `(B, N, D)`.
    pub(crate) fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<(Tensor, Tensor)> {
        let Self { batch, tokens, heads, width } = *self;
        let Kept { parts: [q, k, v], weights } = kept;
        let shape = (batch * heads, tokens, width);
        let gradient = attention::reorder(OP, [batch, tokens, heads, 1], [0, 2, 1, 3], width, shape)?.on([gradient])?;
        let dweights = gradient.matmul(&v.t()?)?;
        let dscores = attention::softmax_backward(OP, weights.dims(), self.scale())?.on([weights, &dweights])?;
        let dq = dscores.matmul(k)?;
        let dk = dscores.t()?.matmul(q)?;
        let dv = weights.t()?.matmul(&gradient)?;
        Ok((self.join(3)?.on([&Tensor::cat(&[dq, dk, dv], 0)?])?, dscores))
    }

    /// The gradient of the bias from that of the scores.
    fn bias_gradient(&self, dscores: &Tensor) -> Result<Tensor> {
        let Self { batch, tokens, heads, .. } = *self;
        let each = dscores.reshape((batch, heads * tokens * tokens))?;
        let sum = sums::columns(OP, each.dims())?.on([&each])?;
        sum.reshape((heads, tokens, tokens))? / self.scale()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuda::emulation::composite_agrees;

    #[test]
    fn agrees_with_attention_on_the_cpu_and_so_do_all_gradients() -> Result<()> {
        for (batch, tokens, heads, width) in [(2, 5, 3, 4), (1, 40, 2, 33), (3, 1, 1, 2)] {
            let what = format!("{tokens} tokens, {heads} heads of {width}");
            let qkv = [batch, tokens, 3 * heads * width];
            composite_agrees(
                &format!("{what}, with a bias"),
                [&qkv, &[heads, tokens, tokens]],
                |[qkv, bias]| crate::self_attention(qkv, Some(bias), heads),
                |[qkv, bias]| self_attention(qkv, Some(bias), heads),
            )?;
            composite_agrees(
                &what,
                [&qkv],
                |[qkv]| crate::self_attention(qkv, None, heads),
                |[qkv]| self_attention(qkv, None, heads),
            )?;
        }
        Ok(())
    }
}
