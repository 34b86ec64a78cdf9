//! A sequence of ConvNeXt blocks.
//!
//! As on the CPU, gradients are passed directly from block to block, and the forward pass keeps no more for the
//! backward pass than each block's input and the output of its convolution. The tensors after the convolution are up to
//! four times as wide; they are computed in chunks of rows, and again in the backward pass, so that they are never in
//! memory whole.

use candle_core::{Result, Tensor, bail};

use crate::cuda::composite::Composite;
use crate::cuda::handover::Joined;
use crate::cuda::plans::{convnext_mlp, depthwise, layer_norm, pointwise, sums};
use crate::shape::DepthwiseShape;

const OP: &str = "convnext";

/// Elements of the widest tensor of a chunk: 256 MiB in f32, enough to occupy a GPU.
const CHUNK: usize = 64 << 20;

/// `x (B, T, H, W, C)` or `(B, H, W, C)` after as many blocks as `parameters`, in f32, has parameters for.
pub(crate) fn chain(x: &Tensor, parameters: Joined, common: Blocks) -> Result<Tensor> {
    if x.rank() == 4 {
        return chain(&x.unsqueeze(1)?, parameters, common)?.squeeze(1);
    }
    let (x_tracked, argument) = (x.track_op(), parameters.argument.clone());
    let any_tracked = x_tracked || argument.track_op();
    let blocks = common.blocks(&parameters.values)?;
    let (mut kept, mut input) = (Vec::with_capacity(blocks.len()), x.detach());
    for (i, block) in blocks.iter().enumerate() {
        let convolved = depthwise::forward(OP, &common.shape)?.on([&input, &block.weight, &block.bias])?;
        let (end, of) = match convnext_mlp::forward(OP, &common.shape.dims(), common.eps)? {
            Some(all) => (all, [convolved.clone(), input.clone(), block.after.clone()]),
            None => {
                let branch = block.branch(&common, &convolved)?;
                (pointwise::residual(OP, &common.shape.dims())?, [input.clone(), branch, block.end.clone()])
            }
        };
        if any_tracked {
            kept.push([input, convolved]);
        }
        if i + 1 == blocks.len() {
            let backward = move |gradient: &Tensor| {
                let [dx, dparameters] = backward(&common, &parameters.values, &kept, gradient, x_tracked)?;
                Ok([dx, dparameters.map(|all| parameters.gradient(all)).transpose()?])
            };
            return x.apply_op2(&argument, Composite::new(end, of.each_ref(), backward));
        }
        input = end.on(of.each_ref())?;
    }
    bail!("{OP}: expected the parameters of one block or more, got {:?}", argument.dims())
}

/// The gradients of x (if wanted) and of the parameters, from the input and the output of the convolution of each
/// block, which the forward pass has kept.
fn backward(
    common: &Blocks,
    parameters: &Tensor,
    kept: &[[Tensor; 2]],
    gradient: &Tensor,
    dx_wanted: bool,
) -> Result<[Option<Tensor>; 2]> {
    let blocks = common.blocks(parameters)?;
    let (mut gradient, mut dparameters) = (gradient.clone(), Vec::new());
    for (i, (block, [input, convolved])) in blocks.iter().zip(kept).enumerate().rev() {
        let (dy, dafter) = block.after(common, convolved, &gradient)?;
        let dconvolution = depthwise::parameters(OP, &common.shape)?.on([input, &dy])?;
        dparameters.splice(0..0, [dconvolution].into_iter().chain(dafter));
        if i > 0 || dx_wanted {
            // Including the residual connection.
            gradient = depthwise::backward_with_residual(OP, &common.shape)?.on([&dy, &block.weight, &gradient])?;
        }
    }
    Ok([dx_wanted.then_some(gradient), Some(Tensor::cat(&dparameters, 0)?)])
}

/// What all blocks of a sequence have in common.
pub(crate) struct Blocks {
    shape: DepthwiseShape,
    eps: f64,
    /// Rows per chunk.
    pub(in crate::cuda) rows: usize,
}

impl Blocks {
    pub(crate) fn new(shape: DepthwiseShape, eps: f64) -> Self {
        let rows = (CHUNK / (4 * shape.channels)).max(1);
        Self { shape, eps, rows }
    }

    /// The parameters, block by block.
    fn blocks(&self, parameters: &Tensor) -> Result<Vec<Block>> {
        let (c, taps) = (self.shape.channels, self.shape.taps());
        let sizes = [taps * c, c, c, c, 4 * c * c, 4 * c, 4 * c * c, 2 * c];
        let mut at = 0;
        let mut blocks = Vec::new();
        while at < parameters.elem_count() {
            let after: usize = sizes[2..].iter().sum();
            let after = parameters.narrow(0, at + (taps + 1) * c, after)?;
            let mut next = sizes.iter().map(|&size| {
                at += size;
                parameters.narrow(0, at - size, size)
            });
            let mut part = || next.next().expect("as many parts as sizes");
            blocks.push(Block {
                weight: part()?,
                bias: part()?,
                norm: [part()?, part()?],
                wide: [part()?.reshape((4 * c, c))?, part()?],
                narrow: part()?.reshape((c, 4 * c))?,
                end: part()?,
                after,
            });
        }
        Ok(blocks)
    }

    /// The rows `(.., C)` of a tensor, chunk by chunk.
    fn chunks(&self, x: &Tensor) -> Result<Vec<Tensor>> {
        let rows = x.reshape(((), self.shape.channels))?;
        let count = rows.dims()[0];
        (0..count).step_by(self.rows).map(|at| rows.narrow(0, at, self.rows.min(count - at))).collect()
    }
}

/// One block's parameters.
struct Block {
    weight: Tensor,
    bias: Tensor,
    norm: [Tensor; 2],
    /// Weight `(4 C, C)` and bias of the layer that widens.
    wide: [Tensor; 2],
    /// Weight `(C, 4 C)` of the layer that narrows.
    narrow: Tensor,
    /// The bias of that layer, then gamma.
    end: Tensor,
    /// All parameters after those of the convolution, concatenated.
    after: Tensor,
}

/// The intermediate values of a chunk.
struct Intermediate {
    normalised: Tensor,
    wide: Tensor,
    activated: Tensor,
}

impl Block {
    fn intermediate(&self, common: &Blocks, y: &Tensor) -> Result<Intermediate> {
        let [weight, bias] = &self.norm;
        let normalised = layer_norm::forward(OP, y.dims(), common.eps)?.on([y, weight, bias])?;
        let [weight, bias] = &self.wide;
        let wide = normalised.matmul(&weight.to_dtype(y.dtype())?.t()?)?;
        let activated = pointwise::bias_gelu(OP, wide.dims())?.on([&wide, bias])?;
        Ok(Intermediate { normalised, wide, activated })
    }

    /// The input of [`pointwise::residual`], from the output of the convolution.
    fn branch(&self, common: &Blocks, convolved: &Tensor) -> Result<Tensor> {
        let chunks = common.chunks(convolved)?;
        let factor = self.narrow.to_dtype(convolved.dtype())?.t()?;
        let narrow = chunks.iter().map(|y| self.intermediate(common, y)?.activated.matmul(&factor));
        Tensor::cat(&narrow.collect::<Result<Vec<_>>>()?, 0)
    }

    /// The gradients of the output of the convolution and of the parameters after it, from the gradient of the result.
    fn after(&self, common: &Blocks, convolved: &Tensor, gradient: &Tensor) -> Result<(Tensor, Vec<Tensor>)> {
        if let Some(all) = convnext_mlp::backward(OP, &common.shape.dims(), common.eps)? {
            let [dy, parameters] = all.outputs_on([convolved, gradient, &self.after])?;
            return Ok((dy, vec![parameters]));
        }
        let (mut dys, mut sums): (_, Vec<Tensor>) = (Vec::new(), Vec::new());
        let [weight, bias] = &self.wide;
        let (up, down) = (weight.to_dtype(convolved.dtype())?, self.narrow.to_dtype(convolved.dtype())?);
        for (y, gradient) in common.chunks(convolved)?.iter().zip(&common.chunks(gradient)?) {
            let inner = self.intermediate(common, y)?;
            let dactivated = pointwise::residual_backward(OP, y.dims())?.on([gradient, &self.end])?.matmul(&down)?;
            let products = inner.activated.t()?.matmul(gradient)?;
            let dims = inner.wide.dims();
            let dwide = pointwise::bias_gelu_backward(OP, dims)?.on([&inner.wide, bias, &dactivated])?;
            let dw1 = dwide.t()?.matmul(&inner.normalised)?;
            let dnormalised = dwide.matmul(&up)?;
            let [dy, dnorm] =
                layer_norm::backward(OP, y.dims(), common.eps)?.outputs_on([y, &self.norm[0], &dnormalised])?;
            dys.push(dy);
            let db1 = sums::columns(OP, dims)?.on([&dwide])?;
            let of_gradient = sums::columns(OP, gradient.dims())?.on([gradient])?;
            let all = [dnorm, dw1, db1, products, of_gradient];
            let all = all.iter().map(|sum| sum.flatten_all()?.to_dtype(self.end.dtype()));
            let all = all.collect::<Result<Vec<_>>>()?;
            sums = match sums.is_empty() {
                true => all,
                false => sums.iter().zip(&all).map(|(sum, more)| sum + more).collect::<Result<_>>()?,
            };
        }
        let Some([products, of_gradient]) = sums.get(3..).and_then(|end| <&[Tensor; 2]>::try_from(end).ok()) else {
            bail!("{OP}: expected one row or more, got {:?}", convolved.dims())
        };
        let end = convnext_mlp::end_parameters(OP, common.shape.channels)?;
        let end = end.on([products, of_gradient, &self.narrow, &self.end])?;
        sums.truncate(3);
        sums.push(end);
        Ok((Tensor::cat(&dys, 0)?, sums))
    }
}
