//! ConvNeXt blocks one behind the other on a GPU, in one operation of the graph.
//!
//! As on the CPU, gradients go from block to block directly, and the forward pass leaves to the backward pass no more than
//! each block's input and its convolution's output. What lies behind the convolution is up to four times as wide: it is
//! computed in chunks of rows, and again in the backward pass, so that it never lies in memory whole.

use candle_core::{Result, Tensor, bail};

use crate::cuda::{Composite, depthwise, mlp, norm, pointwise, sums};
use crate::depthwise::kernel::Geometry;
use crate::gradients::Joined;

const OP: &str = "convnext";
/// Numbers of the widest tensor of a chunk: 256 MiB in f32, enough to occupy a GPU.
const CHUNK: usize = 64 << 20;

/// Blocks of one size: `x (B, T, H, W, C)` or `(B, H, W, C)` after as many as there are [`parameters`](super::chain), which
/// are f32.
pub(super) fn chain(x: &Tensor, parameters: Joined, form: Form) -> Result<Tensor> {
    if x.rank() == 4 {
        return chain(&x.unsqueeze(1)?, parameters, form)?.squeeze(1);
    }
    let (x_tracked, argument) = (x.track_op(), parameters.argument.clone());
    let any_tracked = x_tracked || argument.track_op();
    let blocks = form.blocks(&parameters.values)?;
    let (mut passed, mut input) = (Vec::with_capacity(blocks.len()), x.detach());
    for (i, block) in blocks.iter().enumerate() {
        let convolved = depthwise::forward(OP, &form.geometry)?.on([&input, &block.weight, &block.bias])?;
        let (end, of) = match mlp::forward(OP, &form.geometry.dims(), form.eps)? {
            Some(all) => (all, [convolved.clone(), input.clone(), block.behind.clone()]),
            None => {
                let branch = block.branch(&form, &convolved)?;
                (pointwise::residual(OP, &form.geometry.dims())?, [input.clone(), branch, block.end.clone()])
            }
        };
        if any_tracked {
            passed.push([input, convolved]);
        }
        if i + 1 == blocks.len() {
            let backward = move |gradient: &Tensor| {
                let [dx, dparameters] = backward(&form, &parameters.values, &passed, gradient, x_tracked)?;
                Ok([dx, dparameters.map(|all| parameters.gradient(all)).transpose()?])
            };
            return x.apply_op2(&argument, Composite::new(end, of.each_ref(), backward));
        }
        input = end.on(of.each_ref())?;
    }
    bail!("{OP}: expected the parameters of a block or more, got {:?}", argument.dims())
}

/// The gradients of x, if it is wanted, and of the parameters, from what the forward pass left: each block's input and its
/// convolution's output.
fn backward(
    form: &Form,
    parameters: &Tensor,
    passed: &[[Tensor; 2]],
    gradient: &Tensor,
    dx_wanted: bool,
) -> Result<[Option<Tensor>; 2]> {
    let blocks = form.blocks(parameters)?;
    let (mut gradient, mut dparameters) = (gradient.clone(), Vec::new());
    for (i, (block, [input, convolved])) in blocks.iter().zip(passed).enumerate().rev() {
        let (dy, dbehind) = block.behind(form, convolved, &gradient)?;
        let dconvolution = depthwise::parameters(OP, &form.geometry)?.on([input, &dy])?;
        dparameters.splice(0..0, [dconvolution].into_iter().chain(dbehind));
        if i > 0 || dx_wanted {
            // And what goes past the branch.
            gradient = depthwise::backward_and_past(OP, &form.geometry)?.on([&dy, &block.weight, &gradient])?;
        }
    }
    Ok([dx_wanted.then_some(gradient), Some(Tensor::cat(&dparameters, 0)?)])
}

/// What all blocks have in common.
pub(super) struct Form {
    geometry: Geometry,
    eps: f64,
    /// Rows of a chunk.
    rows: usize,
}

impl Form {
    pub(super) fn new(geometry: Geometry, eps: f64) -> Self {
        let rows = (CHUNK / (4 * geometry.channels)).max(1);
        Self { geometry, eps, rows }
    }

    /// The parameters, block by block.
    fn blocks(&self, parameters: &Tensor) -> Result<Vec<Block>> {
        let (c, taps) = (self.geometry.channels, self.geometry.taps());
        let sizes = [taps * c, c, c, c, 4 * c * c, 4 * c, 4 * c * c, 2 * c];
        let mut at = 0;
        let mut blocks = Vec::new();
        while at < parameters.elem_count() {
            let behind: usize = sizes[2..].iter().sum();
            let behind = parameters.narrow(0, at + (taps + 1) * c, behind)?;
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
                behind,
            });
        }
        Ok(blocks)
    }

    /// The rows `(.., C)` of a tensor, chunk by chunk.
    fn chunks(&self, x: &Tensor) -> Result<Vec<Tensor>> {
        let rows = x.reshape(((), self.geometry.channels))?;
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
    /// That layer's bias, then gamma.
    end: Tensor,
    /// All parameters but the convolution's, as they lie.
    behind: Tensor,
}

/// What a chunk becomes on the way: normalised, widened, activated.
struct Way {
    normalised: Tensor,
    wide: Tensor,
    activated: Tensor,
}

impl Block {
    fn way(&self, form: &Form, y: &Tensor) -> Result<Way> {
        let [weight, bias] = &self.norm;
        let normalised = norm::forward(OP, y.dims(), form.eps)?.on([y, weight, bias])?;
        let [weight, bias] = &self.wide;
        let wide = normalised.matmul(&weight.to_dtype(y.dtype())?.t()?)?;
        let activated = pointwise::bias_gelu(OP, wide.dims())?.on([&wide, bias])?;
        Ok(Way { normalised, wide, activated })
    }

    /// From the convolution's output to what [`pointwise::residual`] takes.
    fn branch(&self, form: &Form, convolved: &Tensor) -> Result<Tensor> {
        let chunks = form.chunks(convolved)?;
        let factor = self.narrow.to_dtype(convolved.dtype())?.t()?;
        let narrow = chunks.iter().map(|y| self.way(form, y)?.activated.matmul(&factor));
        Tensor::cat(&narrow.collect::<Result<Vec<_>>>()?, 0)
    }

    /// The gradients of the convolution's output and of the parameters behind it, as they lie, from that of the result.
    fn behind(&self, form: &Form, convolved: &Tensor, gradient: &Tensor) -> Result<(Tensor, Vec<Tensor>)> {
        if let Some(all) = mlp::backward(OP, &form.geometry.dims(), form.eps)? {
            let [dy, parameters] = all.outputs_on([convolved, gradient, &self.behind])?;
            return Ok((dy, vec![parameters]));
        }
        let (mut dys, mut sums): (_, Vec<Tensor>) = (Vec::new(), Vec::new());
        let [weight, bias] = &self.wide;
        let (up, down) = (weight.to_dtype(convolved.dtype())?, self.narrow.to_dtype(convolved.dtype())?);
        for (y, gradient) in form.chunks(convolved)?.iter().zip(&form.chunks(gradient)?) {
            let way = self.way(form, y)?;
            let dactivated = pointwise::residual_backward(OP, y.dims())?.on([gradient, &self.end])?.matmul(&down)?;
            let inner = way.activated.t()?.matmul(gradient)?;
            let dims = way.wide.dims();
            let dwide = pointwise::bias_gelu_backward(OP, dims)?.on([&way.wide, bias, &dactivated])?;
            let dw1 = dwide.t()?.matmul(&way.normalised)?;
            let dnormalised = dwide.matmul(&up)?;
            let [dy, dnorm] = norm::backward(OP, y.dims(), form.eps)?.outputs_on([y, &self.norm[0], &dnormalised])?;
            dys.push(dy);
            let db1 = sums::columns(OP, dims)?.on([&dwide])?;
            let of_gradient = sums::columns(OP, gradient.dims())?.on([gradient])?;
            let all = [dnorm, dw1, db1, inner, of_gradient];
            let all = all.iter().map(|sum| sum.flatten_all()?.to_dtype(self.end.dtype()));
            let all = all.collect::<Result<Vec<_>>>()?;
            sums = match sums.is_empty() {
                true => all,
                false => sums.iter().zip(&all).map(|(sum, more)| sum + more).collect::<Result<_>>()?,
            };
        }
        let Some([inner, of_gradient]) = sums.get(3..).and_then(|end| <&[Tensor; 2]>::try_from(end).ok()) else {
            bail!("{OP}: expected one row or more, got {:?}", convolved.dims())
        };
        let end = mlp::end_parameters(OP, form.geometry.channels)?;
        let end = end.on([inner, of_gradient, &self.narrow, &self.end])?;
        sums.truncate(3);
        sums.push(end);
        Ok((Tensor::cat(&dys, 0)?, sums))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuda::emulation::composite_agrees;

    #[test]
    fn blocks_on_a_gpu_agree_with_those_on_the_cpu_and_so_do_all_gradients() -> Result<()> {
        // Chunks that end anywhere, and more blocks than one.
        let forms = [
            (&[2, 3, 5, 4, 6][..], &[7, 7, 7][..], 3, 50),
            (&[1, 15, 5, 33], &[7, 7], 1, 200),
            (&[1, 2, 4, 4, 3], &[3, 5, 3], 2, 7),
            // With kernels of their own for what lies behind the convolution.
            (&[2, 3, 9, 10, 8], &[7, 7, 7], 2, 50),
            (&[1, 9, 6, 11, 16], &[7, 7, 7], 2, 50),
            (&[1, 2, 13, 20, 32], &[7, 7, 7], 1, 50),
        ];
        for (dims, kernel, blocks, rows) in forms {
            let channels: usize = dims[dims.len() - 1];
            let shape = [&[channels, 1], kernel].concat();
            let each = channels * (kernel.iter().product::<usize>() + 9 + 8 * channels);
            let geometry = || match *kernel {
                [kh, kw] => {
                    Geometry::new(&[dims[0], 1, dims[1], dims[2], channels], &[channels, 1, 1, kh, kw], &[channels])
                }
                _ => Geometry::new(dims, &shape, &[channels]),
            };
            // Parameters small enough that a block does not drown its input.
            let small = |parameters: &Tensor| parameters * 0.25;
            composite_agrees(
                &format!("{dims:?} with {kernel:?}"),
                [dims, &[blocks * each]],
                |[x, parameters]| super::super::chain::chain(x, &shape, (&small(parameters)?).into(), 1e-6),
                |[x, parameters]| chain(x, (&small(parameters)?).into(), Form { rows, ..Form::new(geometry()?, 1e-6) }),
            )?;
        }
        Ok(())
    }
}
