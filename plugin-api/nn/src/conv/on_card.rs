//! Dense convolution on a card: patches as rows of a matrix, times the weight's.
//!
//! The matrix is many times as large as the field, so it is made in chunks of samples, and again in the backward pass.

use candle_core::{Result, Tensor};

use super::OP;
use super::kernel::Convolution;
use crate::cuda::{Composite, direct::Direct, patches, pointwise, sums};

/// Numbers of the matrix of a chunk, unless one sample has more: 128 MiB in f32, enough to occupy a card.
const CHUNK: usize = 32 << 20;

/// `x (B, T, H, W, I)`, `weight (O, I, kt, kh, kw)` and `bias (O)` to `(B, T', H', W', O)`.
pub(super) fn conv(x: &Tensor, weight: &Tensor, bias: &Tensor, form: Convolution) -> Result<Tensor> {
    let each = form.window.outputs.iter().product::<usize>() * form.window.patch_len();
    in_chunks(x, weight, bias, form, (CHUNK / each.max(1)).max(1))
}

/// That, `samples` samples at a time.
fn in_chunks(x: &Tensor, weight: &Tensor, bias: &Tensor, form: Convolution, samples: usize) -> Result<Tensor> {
    // The same order of taps and channels as in a patch.
    let matrix = weight.permute([2, 3, 4, 1, 0])?.reshape((form.window.patch_len(), form.filters))?;
    let [t, h, w] = form.window.outputs;
    let dims = [form.batch, t, h, w, form.filters];
    let x_tracked = x.track_op();
    let field = x.detach();
    if let (Some(direct), false) = (Direct::new(&form), x_tracked) {
        let forward = direct.forward(OP)?;
        let backward = move |gradient: &Tensor| {
            let both = direct.parameters(OP)?.on([&field, gradient])?;
            let taps = both.dims()[0] - 1;
            Ok([None, Some(both.narrow(0, 0, taps)?), Some(both.get(taps)?)])
        };
        return x.apply_op3(&matrix, bias, Composite::new(forward, [x, &matrix, bias], backward));
    }
    let factor = matrix.detach().to_dtype(x.dtype())?;
    let chunks: Vec<_> = (0..form.batch).step_by(samples).map(|at| (at, samples.min(form.batch - at))).collect();
    let rows = chunks.iter().map(|&chunk| gather(&form, &field, chunk)?.matmul(&factor));
    let rows = Tensor::cat(&rows.collect::<Result<Vec<_>>>()?, 0)?;
    let backward = move |gradient: &Tensor| backward(&form, &chunks, [&field, &factor, gradient], x_tracked);
    x.apply_op3(&matrix, bias, Composite::new(pointwise::bias(OP, &dims)?, [&rows, bias], backward))
}

/// The gradients of x, if it is wanted, of the matrix and of the bias, from x, the matrix and the result's gradient.
fn backward(
    form: &Convolution,
    chunks: &[(usize, usize)],
    [x, factor, gradient]: [&Tensor; 3],
    dx_wanted: bool,
) -> Result<[Option<Tensor>; 3]> {
    let dbias = sums::columns(OP, gradient.dims())?.on([gradient])?;
    let (mut dxs, mut dmatrix): (_, Option<Tensor>) = (Vec::new(), None);
    for &(start, count) in chunks {
        let rows = gather(form, x, (start, count))?;
        let gradient = gradient.narrow(0, start, count)?.reshape((rows.dims()[0], form.filters))?;
        let more = rows.t()?.matmul(&gradient)?.to_dtype(dbias.dtype())?;
        dmatrix = Some(match dmatrix {
            Some(sum) => (sum + more)?,
            None => more,
        });
        if dx_wanted {
            let drows = gradient.matmul(&factor.t()?)?;
            dxs.push(patches::scatter(OP, &form.window, count)?.on([&drows])?);
        }
    }
    let dx = if dx_wanted { Some(Tensor::cat(&dxs, 0)?) } else { None };
    Ok([dx, dmatrix, Some(dbias)])
}

/// The patches of so many samples behind the first few, as rows.
fn gather(form: &Convolution, x: &Tensor, (start, count): (usize, usize)) -> Result<Tensor> {
    patches::gather(OP, &form.window, count)?.on([&x.narrow(0, start, count)?])
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
