//! The transformer block.
//!
//! As separate nodes, the graph would clear a tensor for the gradient of each of a dozen steps, and add to it; at usual
//! sizes that time goes to launches, not to arithmetic.

use candle_core::{Result, Tensor};

use super::self_attention::{Attention, Kept as AttentionKept};
use crate::cuda::composite::Composite;
use crate::cuda::handover::Joined;
use crate::cuda::plans::{layer_norm, pointwise, sums};

const OP: &str = "transformer_block";

/// The properties of a block that are not parameters.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub(crate) heads: usize,
    pub(crate) eps: f64,
}

/// `x + attn(norm1(x))`, then `x + mlp(norm2(x))`, for tokens `x (B, N, D)`.
///
/// `parameters` holds weight and bias of `norm1`, the weight `(3 D, D)` of queries, keys and values, biases of the
/// queries and of the values (keys have none), weights and biases of the projection, of `norm2`, and of the layers that
/// widen and narrow, all f32.
pub(crate) fn transformer_block(x: &Tensor, parameters: Joined, block: Block) -> Result<Tensor> {
    let (batch, tokens, dim) = x.dims3()?;
    let x = x.contiguous()?;
    let rows = x.detach().reshape((batch * tokens, dim))?;
    let values = Values::new(&parameters.values, dim, &rows)?;

    let normalised = values.norm1.forward(&rows, block.eps)?;
    let qkv = values.qkv.forward(&normalised)?.reshape((batch, tokens, 3 * dim))?;
    let attention = Attention::new(&qkv, block.heads)?;
    let (heads, kept) = attention.forward(&qkv, None)?;
    let attention_out = attention.join(1)?.on([&heads])?.reshape((batch * tokens, dim))?;
    let attended = pointwise::shifted_sum(OP, rows.dims())?.on([
        &rows,
        &values.proj.product(&attention_out)?,
        &values.proj.bias,
    ])?;

    let inside = values.norm2.forward(&attended, block.eps)?;
    let wide = values.fc1.product(&inside)?;
    let activated = pointwise::bias_gelu(OP, wide.dims())?.on([&wide, &values.fc1.bias])?;
    let narrow = values.fc2.product(&activated)?;
    let last = pointwise::shifted_sum(OP, x.dims())?;
    let inputs = [attended.clone(), narrow, values.fc2.bias.clone()];
    let kept = Kept { rows, normalised, attention: kept, attention_out, attended, inside, wide, activated };
    let argument = parameters.argument.clone();
    let backward = move |gradient: &Tensor| {
        let (dx, dparameters) = kept.backward(&attention, &values, gradient, block.eps)?;
        Ok([Some(dx), Some(parameters.gradient(dparameters)?)])
    };
    x.apply_op2(&argument, Composite::new(last, inputs.each_ref(), backward))
}

/// A layer norm's weight and bias.
struct Norm([Tensor; 2]);

impl Norm {
    fn forward(&self, x: &Tensor, eps: f64) -> Result<Tensor> {
        let [weight, bias] = &self.0;
        layer_norm::forward(OP, x.dims(), eps)?.on([x, weight, bias])
    }

    /// The gradients of x and of weight and bias, concatenated.
    fn backward(&self, x: &Tensor, gradient: &Tensor, eps: f64) -> Result<[Tensor; 2]> {
        layer_norm::backward(OP, x.dims(), eps)?.outputs_on([x, &self.0[0], gradient])
    }
}

/// A linear layer: its weight `(out, in)` in the type of the activations, and its bias.
struct Layer {
    weight: Tensor,
    bias: Tensor,
}

impl Layer {
    /// The result without the bias.
    fn product(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(&self.weight.t()?)
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let product = self.product(x)?;
        pointwise::bias(OP, product.dims())?.on([&product, &self.bias])
    }

    /// The gradients of x, and of weight and bias in f32.
    fn backward(&self, x: &Tensor, gradient: &Tensor) -> Result<(Tensor, [Tensor; 2])> {
        let dweight = gradient.t()?.matmul(x)?.to_dtype(self.bias.dtype())?;
        let dbias = sums::columns(OP, gradient.dims())?.on([gradient])?;
        Ok((gradient.matmul(&self.weight)?, [dweight, dbias]))
    }
}

/// The parameters by name.
struct Values {
    norm1: Norm,
    qkv: Layer,
    proj: Layer,
    norm2: Norm,
    fc1: Layer,
    fc2: Layer,
}

impl Values {
    /// `parameters` for `dim` channels, with weights of the type of `like`.
    fn new(parameters: &Tensor, dim: usize, like: &Tensor) -> Result<Self> {
        let mut rest = Rest { parameters, weights: parameters.to_dtype(like.dtype())?, at: 0 };
        Ok(Self {
            norm1: rest.norm(dim)?,
            qkv: rest.queries_keys_and_values(dim)?,
            proj: rest.layer(dim, dim)?,
            norm2: rest.norm(dim)?,
            fc1: rest.layer(4 * dim, dim)?,
            fc2: rest.layer(dim, 4 * dim)?,
        })
    }
}

/// The parameters that were not yet taken.
struct Rest<'a> {
    parameters: &'a Tensor,
    /// The same, in the type of the activations.
    weights: Tensor,
    at: usize,
}

impl Rest<'_> {
    fn vector(&mut self, count: usize) -> Result<Tensor> {
        self.at += count;
        self.parameters.narrow(0, self.at - count, count)
    }

    fn norm(&mut self, dim: usize) -> Result<Norm> {
        Ok(Norm([self.vector(dim)?, self.vector(dim)?]))
    }

    /// The layer for queries, keys and values, whose bias has no elements for keys.
    fn queries_keys_and_values(&mut self, dim: usize) -> Result<Layer> {
        let weight = self.weight(3 * dim, dim)?;
        let (q, v) = (self.vector(dim)?, self.vector(dim)?);
        Ok(Layer { weight, bias: Tensor::cat(&[&q, &q.zeros_like()?, &v], 0)? })
    }

    fn layer(&mut self, outputs: usize, inputs: usize) -> Result<Layer> {
        Ok(Layer { weight: self.weight(outputs, inputs)?, bias: self.vector(outputs)? })
    }

    fn weight(&mut self, outputs: usize, inputs: usize) -> Result<Tensor> {
        self.at += outputs * inputs;
        self.weights.narrow(0, self.at - outputs * inputs, outputs * inputs)?.reshape((outputs, inputs))
    }
}

/// What the forward pass keeps for the backward pass, as rows `(B N, ..)`.
struct Kept {
    rows: Tensor,
    normalised: Tensor,
    attention: AttentionKept,
    attention_out: Tensor,
    attended: Tensor,
    inside: Tensor,
    wide: Tensor,
    activated: Tensor,
}

impl Kept {
    /// The gradients of x and of the concatenated parameters.
    fn backward(
        &self,
        attention: &Attention,
        values: &Values,
        gradient: &Tensor,
        eps: f64,
    ) -> Result<(Tensor, Tensor)> {
        let (batch, tokens, dim) = gradient.dims3()?;
        let gradient = gradient.reshape((batch * tokens, dim))?;
        let (dactivated, fc2) = values.fc2.backward(&self.activated, &gradient)?;
        let dwide = pointwise::bias_gelu_backward(OP, self.wide.dims())?;
        let dwide = dwide.on([&self.wide, &values.fc1.bias, &dactivated])?;
        let (dinside, fc1) = values.fc1.backward(&self.inside, &dwide)?;
        let [dattended, norm2] = values.norm2.backward(&self.attended, &dinside, eps)?;
        let dattended = (dattended + gradient)?;

        let (dattention_out, proj) = values.proj.backward(&self.attention_out, &dattended)?;
        let (dqkv, _) = attention.backward(&self.attention, &dattention_out.reshape((batch, tokens, dim))?)?;
        let (dnormalised, [dqkv_weight, dqkv_bias]) =
            values.qkv.backward(&self.normalised, &dqkv.reshape((batch * tokens, 3 * dim))?)?;
        let qkv = [dqkv_weight, dqkv_bias.narrow(0, 0, dim)?, dqkv_bias.narrow(0, 2 * dim, dim)?];
        let [dx, norm1] = values.norm1.backward(&self.rows, &dnormalised, eps)?;
        let dx = (dx + dattended)?.reshape((batch, tokens, dim))?;

        let all = [&[norm1][..], &qkv, &proj, &[norm2], &fc1, &fc2].concat();
        let flat = all.iter().map(Tensor::flatten_all).collect::<Result<Vec<_>>>()?;
        Ok((dx, Tensor::cat(&flat, 0)?))
    }
}
