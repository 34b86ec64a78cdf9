//! Attention on a GPU, in one operation of the graph: matrix products, and kernels for what lies between them.
//!
//! The forward pass leaves the softmax and the heads' queries, keys and values to the backward pass.

use candle_core::{Result, Tensor};

use super::OP;
use crate::cuda::{Composite, attention, sums};

/// See [`super::self_attention`]; `qkv` is contiguous.
pub(super) fn self_attention(qkv: &Tensor, bias: Option<&Tensor>, heads: usize) -> Result<Tensor> {
    let (batch, tokens, width) = qkv.dims3()?;
    let form = Form { batch, tokens, heads, width: width / 3 / heads };
    let [q, k, v] = form.split(&qkv.detach())?;
    let scores = q.matmul(&k.t()?)?;
    let rows = bias.map(|_| heads * tokens);
    let softmax = attention::softmax(OP, scores.dims(), form.scale(), rows)?;
    let weights = match bias {
        Some(bias) => softmax.on([&scores, &bias.detach()])?,
        None => softmax.on([&scores])?,
    };
    let read = weights.matmul(&v)?;
    let last = form.join(1)?;
    let has_bias = bias.is_some();
    let backward = move |gradient: &Tensor| form.backward([&q, &k, &v], &weights, gradient, has_bias);
    match bias {
        Some(bias) => qkv.apply_op2(bias, Composite::new(last, [&read], backward)),
        None => {
            let backward = move |gradient: &Tensor| backward(gradient).map(|[dqkv, _]| [dqkv]);
            qkv.apply_op1(Composite::new(last, [&read], backward))
        }
    }
}

struct Form {
    batch: usize,
    tokens: usize,
    heads: usize,
    /// Of one head.
    width: usize,
}

impl Form {
    fn scale(&self) -> f64 {
        (self.width as f64).powf(-0.5)
    }

    /// `(B, N, 3 D)` to queries, keys and values, each `(B heads, N, d)`.
    fn split(&self, qkv: &Tensor) -> Result<[Tensor; 3]> {
        let Self { batch, tokens, heads, width } = *self;
        let shape = (3, batch * heads, tokens, width);
        let parts = attention::reorder(OP, [batch, tokens, 3, heads], [2, 0, 3, 1], width, shape)?.on([qkv])?;
        Ok([parts.get(0)?, parts.get(1)?, parts.get(2)?])
    }

    /// `(parts, B heads, N, d)` to `(B, N, parts D)`.
    fn join(&self, parts: usize) -> Result<crate::cuda::Plan> {
        let Self { batch, tokens, heads, width } = *self;
        let shape = (batch, tokens, parts * heads * width);
        attention::reorder(OP, [parts, batch, heads, tokens], [1, 3, 0, 2], width, shape)
    }

    /// The gradients of qkv and of the bias.
    fn backward(
        &self,
        [q, k, v]: [&Tensor; 3],
        weights: &Tensor,
        gradient: &Tensor,
        has_bias: bool,
    ) -> Result<[Option<Tensor>; 2]> {
        let Self { batch, tokens, heads, width } = *self;
        let shape = (batch * heads, tokens, width);
        let gradient = attention::reorder(OP, [batch, tokens, heads, 1], [0, 2, 1, 3], width, shape)?.on([gradient])?;
        let dweights = gradient.matmul(&v.t()?)?;
        let dscores = attention::softmax_backward(OP, weights.dims(), self.scale())?.on([weights, &dweights])?;
        let dq = dscores.matmul(k)?;
        let dk = dscores.t()?.matmul(q)?;
        let dv = weights.t()?.matmul(&gradient)?;
        let dqkv = self.join(3)?.on([&Tensor::cat(&[dq, dk, dv], 0)?])?;
        let dbias = match has_bias {
            true => {
                let each = dscores.reshape((batch, heads * tokens * tokens))?;
                let sum = sums::columns(OP, each.dims())?.on([&each])?;
                Some((sum.reshape((heads, tokens, tokens))? / self.scale())?)
            }
            false => None,
        };
        Ok([Some(dqkv), dbias])
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
