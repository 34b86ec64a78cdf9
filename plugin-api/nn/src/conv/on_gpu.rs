//! Dense convolution on a GPU: patches as rows of a matrix, times the weight's.
//!
//! The matrix is many times as large as the field, so it is made in chunks of samples, and again in the backward pass.

use candle_core::{Result, Tensor};

use super::OP;
use super::kernel::Convolution;
use crate::cuda::{Composite, Plan, direct::Direct, patches, pointwise, sums};

/// Numbers of the matrix of a chunk, unless one sample has more: 1 GiB in f32.
const CHUNK: usize = 256 << 20;

/// `x (B, T, H, W, I)`, `weight (O, I, kt, kh, kw)` and `bias (O)` to `(B, T', H', W', O)`.
pub(super) fn conv(x: &Tensor, weight: &Tensor, bias: &Tensor, form: Convolution) -> Result<Tensor> {
    in_chunks(x, weight, bias, form, samples(&form))
}

/// How many samples a chunk has.
pub(super) fn samples(form: &Convolution) -> usize {
    let each = form.window.outputs.iter().product::<usize>() * form.window.patch_len();
    (CHUNK / each.max(1)).max(1)
}

/// The convolution, `samples` samples at a time.
fn in_chunks(x: &Tensor, weight: &Tensor, bias: &Tensor, form: Convolution, samples: usize) -> Result<Tensor> {
    let dx_wanted = x.track_op();
    let pass = Pass::new([x, weight], form, samples, dx_wanted)?;
    let (last, inputs) = pass.last(bias)?;
    let backward = move |gradient: &Tensor| {
        let [dweight, dbias] = pass.parameters(gradient)?;
        let dx = if dx_wanted { Some(pass.input(gradient)?) } else { None };
        Ok([dx, Some(dweight), Some(dbias)])
    };
    x.apply_op3(weight, bias, Composite::new(last, &inputs, backward))
}

/// A convolution on tensors without a trace.
pub(super) struct Pass {
    form: Convolution,
    x: Tensor,
    /// The weight as a matrix `(kt kh kw I, O)`, its taps and channels in the order of a patch's.
    matrix: Tensor,
    /// The kernels that need no matrix of patches, but give no gradient of x.
    direct: Option<Direct>,
    /// The first sample of each chunk, and how many it has.
    chunks: Vec<(usize, usize)>,
}

impl Pass {
    pub(super) fn new([x, weight]: [&Tensor; 2], form: Convolution, samples: usize, dx_wanted: bool) -> Result<Self> {
        let matrix = weight.detach().permute([2, 3, 4, 1, 0])?.reshape((form.window.patch_len(), form.filters))?;
        let direct = if dx_wanted { None } else { Direct::new(&form) };
        let chunks = (0..form.batch).step_by(samples).map(|at| (at, samples.min(form.batch - at))).collect();
        Ok(Self { form, x: x.detach(), matrix, direct, chunks })
    }

    /// The step that makes the result, and its inputs.
    pub(super) fn last(&self, bias: &Tensor) -> Result<(Plan, Vec<Tensor>)> {
        if let Some(direct) = &self.direct {
            return Ok((direct.forward(OP)?, vec![self.x.clone(), self.matrix.clone(), bias.clone()]));
        }
        let [t, h, w] = self.form.window.outputs;
        let factor = self.matrix.to_dtype(self.x.dtype())?;
        let rows = self.chunks.iter().map(|&chunk| self.gather(chunk)?.matmul(&factor));
        let rows = Tensor::cat(&rows.collect::<Result<Vec<_>>>()?, 0)?;
        Ok((pointwise::bias(OP, &[self.form.batch, t, h, w, self.form.filters])?, vec![rows, bias.clone()]))
    }

    /// The result.
    pub(super) fn forward(&self, bias: &Tensor) -> Result<Tensor> {
        let (last, inputs) = self.last(bias)?;
        Ok(last.all_on(&inputs.iter().collect::<Vec<_>>())?.remove(0))
    }

    /// The patches of a chunk, as rows.
    fn gather(&self, (start, count): (usize, usize)) -> Result<Tensor> {
        patches::gather(OP, &self.form.window, count)?.on([&self.x.narrow(0, start, count)?])
    }

    /// The rows of a chunk of the result's gradient.
    fn rows(&self, gradient: &Tensor, (start, count): (usize, usize)) -> Result<Tensor> {
        gradient.narrow(0, start, count)?.reshape(((), self.form.filters))
    }

    /// The gradients of weight and bias, from the result's.
    pub(super) fn parameters(&self, gradient: &Tensor) -> Result<[Tensor; 2]> {
        if let Some(direct) = &self.direct {
            let both = direct.parameters(OP)?.on([&self.x, gradient])?;
            let taps = both.dims()[0] - 1;
            return Ok([self.weight(&both.narrow(0, 0, taps)?)?, both.get(taps)?]);
        }
        let dbias = sums::columns(OP, gradient.dims())?.on([gradient])?;
        let of_chunk = |&chunk: &(usize, usize)| {
            self.gather(chunk)?.t()?.matmul(&self.rows(gradient, chunk)?)?.to_dtype(dbias.dtype())
        };
        let dmatrix = self.chunks.iter().map(of_chunk).reduce(|sum, more| sum? + more?);
        let dmatrix = dmatrix.unwrap_or_else(|| self.matrix.zeros_like())?;
        Ok([self.weight(&dmatrix)?, dbias])
    }

    /// What lies as the matrix does, in the weight's shape.
    fn weight(&self, matrix: &Tensor) -> Result<Tensor> {
        let [t, h, w] = self.form.window.axes.map(|axis| axis.kernel);
        matrix.reshape((t, h, w, self.form.window.channels, self.form.filters))?.permute([4, 3, 0, 1, 2])
    }

    /// The gradient of x, from the result's.
    pub(super) fn input(&self, gradient: &Tensor) -> Result<Tensor> {
        let factor = self.matrix.to_dtype(self.x.dtype())?.t()?;
        let of_chunk = |&chunk: &(usize, usize)| {
            let rows = self.rows(gradient, chunk)?.matmul(&factor)?;
            patches::scatter(OP, &self.form.window, chunk.1)?.on([&rows])
        };
        Tensor::cat(&self.chunks.iter().map(of_chunk).collect::<Result<Vec<_>>>()?, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::{Axis, patches::Window};
    use crate::cuda::emulation::composite_agrees;

    #[test]
    fn agrees_with_the_convolution_on_the_cpu_and_so_do_all_gradients() -> Result<()> {
        let forms = [
            ([3, 2, 6, 5, 4], 5, [Axis::same(1), Axis::same(4), Axis::same(4)], 2),
            ([2, 4, 6, 4, 3], 7, [Axis::patches(2); 3], 1),
            (
                [1, 3, 5, 7, 2],
                33,
                [Axis::same(3), Axis::padded(2, 1), Axis { kernel: 3, stride: 2, padding: (1, 0) }],
                8,
            ),
        ];
        for (dims, filters, axes, samples) in forms {
            let [batch, t, h, w, channels] = dims;
            let [kt, kh, kw] = axes.map(|axis| axis.kernel);
            let size = [t, h, w];
            let outputs = [0, 1, 2].map(|i| axes[i].outputs(size[i]).unwrap());
            let form = Convolution { window: Window { axes, size, outputs, channels }, batch, filters };
            composite_agrees(
                &format!("{dims:?} with {axes:?}"),
                [&dims, &[filters, channels, kt, kh, kw], &[filters]],
                |[x, weight, bias]| crate::conv(x, weight, bias, &axes),
                |[x, weight, bias]| in_chunks(x, weight, bias, form, samples),
            )?;
        }
        Ok(())
    }
}
