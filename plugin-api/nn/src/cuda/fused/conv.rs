//! Dense convolution as the product of an im2col matrix with the weight.
//!
//! The matrix is many times as large as the field, so it is made in chunks of samples, and again in the backward pass.

use candle_core::{Result, Tensor};

use crate::cuda::composite::Composite;
use crate::cuda::plan::Plan;
use crate::cuda::plans::direct_conv::DirectConv;
use crate::cuda::plans::{im2col, pointwise, sums};
use crate::shape::ConvShape;

const OP: &str = "conv";

/// Most elements of the matrix of a chunk, unless one sample has more: 1 GiB in f32.
const CHUNK: usize = 256 << 20;

/// `x (B, T, H, W, I)`, `weight (O, I, kt, kh, kw)` and `bias (O)` to `(B, T', H', W', O)`.
pub(crate) fn conv(x: &Tensor, weight: &Tensor, bias: &Tensor, shape: ConvShape) -> Result<Tensor> {
    in_chunks(x, weight, bias, shape, samples_per_chunk(&shape))
}

/// Samples per chunk.
pub(super) fn samples_per_chunk(shape: &ConvShape) -> usize {
    let each = shape.window.positions() * shape.window.patch_len();
    (CHUNK / each.max(1)).max(1)
}

/// The convolution, `samples` samples at a time.
pub(in crate::cuda) fn in_chunks(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    shape: ConvShape,
    samples: usize,
) -> Result<Tensor> {
    let dx_wanted = x.track_op();
    let pass = Pass::new([x, weight], shape, samples, dx_wanted)?;
    let (last, inputs) = pass.last(bias)?;
    let backward = move |gradient: &Tensor| {
        let [dweight, dbias] = pass.parameters(gradient)?;
        let dx = if dx_wanted { Some(pass.input(gradient)?) } else { None };
        Ok([dx, Some(dweight), Some(dbias)])
    };
    x.apply_op3(weight, bias, Composite::new(last, &inputs, backward))
}

/// A convolution of detached tensors.
pub(super) struct Pass {
    shape: ConvShape,
    x: Tensor,
    /// The weight as a matrix `(kt kh kw I, O)`, with rows in the order of a patch.
    matrix: Tensor,
    /// The kernels that need no im2col matrix, but have no gradient of x.
    direct: Option<DirectConv>,
    /// The first sample of each chunk, and its number of samples.
    chunks: Vec<(usize, usize)>,
}

impl Pass {
    pub(super) fn new([x, weight]: [&Tensor; 2], shape: ConvShape, samples: usize, dx_wanted: bool) -> Result<Self> {
        let matrix = weight.detach().permute([2, 3, 4, 1, 0])?.reshape((shape.window.patch_len(), shape.filters))?;
        let direct = if dx_wanted { None } else { DirectConv::new(&shape) };
        let chunks = (0..shape.batch).step_by(samples).map(|at| (at, samples.min(shape.batch - at))).collect();
        Ok(Self { shape, x: x.detach(), matrix, direct, chunks })
    }

    /// The last step, which computes the result, and its inputs.
    pub(super) fn last(&self, bias: &Tensor) -> Result<(Plan, Vec<Tensor>)> {
        if let Some(direct) = &self.direct {
            return Ok((direct.forward(OP)?, vec![self.x.clone(), self.matrix.clone(), bias.clone()]));
        }
        let factor = self.matrix.to_dtype(self.x.dtype())?;
        let rows = self.chunks.iter().map(|&chunk| self.im2col(chunk)?.matmul(&factor));
        let rows = Tensor::cat(&rows.collect::<Result<Vec<_>>>()?, 0)?;
        Ok((pointwise::bias(OP, &self.shape.output_dims())?, vec![rows, bias.clone()]))
    }

    /// The result of the convolution.
    pub(super) fn forward(&self, bias: &Tensor) -> Result<Tensor> {
        let (last, inputs) = self.last(bias)?;
        Ok(last.all_on(&inputs.iter().collect::<Vec<_>>())?.remove(0))
    }

    /// The patches of a chunk, as rows.
    fn im2col(&self, (start, count): (usize, usize)) -> Result<Tensor> {
        im2col::im2col(OP, &self.shape.window, count)?.on([&self.x.narrow(0, start, count)?])
    }

    /// The gradient of the result for a chunk, as rows.
    fn rows(&self, gradient: &Tensor, (start, count): (usize, usize)) -> Result<Tensor> {
        gradient.narrow(0, start, count)?.reshape(((), self.shape.filters))
    }

    /// The gradients of weight and bias, from the gradient of the result.
    pub(super) fn parameters(&self, gradient: &Tensor) -> Result<[Tensor; 2]> {
        if let Some(direct) = &self.direct {
            let both = direct.parameters(OP)?.on([&self.x, gradient])?;
            let taps = both.dims()[0] - 1;
            return Ok([self.weight(&both.narrow(0, 0, taps)?)?, both.get(taps)?]);
        }
        let dbias = sums::columns(OP, gradient.dims())?.on([gradient])?;
        let of_chunk = |&chunk: &(usize, usize)| {
            self.im2col(chunk)?.t()?.matmul(&self.rows(gradient, chunk)?)?.to_dtype(dbias.dtype())
        };
        let dmatrix = self.chunks.iter().map(of_chunk).reduce(|sum, more| sum? + more?);
        let dmatrix = dmatrix.unwrap_or_else(|| self.matrix.zeros_like())?;
        Ok([self.weight(&dmatrix)?, dbias])
    }

    /// A matrix in the layout of `self.matrix`, in the shape of the weight.
    fn weight(&self, matrix: &Tensor) -> Result<Tensor> {
        let [t, h, w] = self.shape.window.axes.map(|axis| axis.kernel);
        matrix.reshape((t, h, w, self.shape.window.channels, self.shape.filters))?.permute([4, 3, 0, 1, 2])
    }

    /// The gradient of x, from the gradient of the result.
    pub(super) fn input(&self, gradient: &Tensor) -> Result<Tensor> {
        let factor = self.matrix.to_dtype(self.x.dtype())?.t()?;
        let of_chunk = |&chunk: &(usize, usize)| {
            let rows = self.rows(gradient, chunk)?.matmul(&factor)?;
            im2col::col2im(OP, &self.shape.window, chunk.1)?.on([&rows])
        };
        Tensor::cat(&self.chunks.iter().map(of_chunk).collect::<Result<Vec<_>>>()?, 0)
    }
}
