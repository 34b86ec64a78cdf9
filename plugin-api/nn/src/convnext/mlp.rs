//! All of a ConvNeXt block behind its convolution, in one operation.
//!
//! Rows are independent here, so a few of them at a time go through normalisation, both matrix
//! products and GELU while they are in the cache, and nothing that is four times as wide as the
//! input is ever stored. The backward pass computes it again, which costs less than writing and
//! reading it.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail};
use gemm::{Parallelism, gemm};
use rayon::prelude::*;

use crate::cpu::{by_dtype, slice, with_slice};
use crate::float::Float;
use crate::reduce::{add_in_order, column_sums_into};
use crate::simd::Isa;
use crate::{gelu, norm};

const OP: &str = "convnext_mlp";

/// `x + gamma * (w2 gelu(w1 layer_norm(y) + b1) + b2)` row by row, differentiable in all tensors.
///
/// `x` and `y (.., C)`; `parameters` the elements of the normalisation's weight `(C)` and bias
/// `(C)`, of `w1 (4 C, C)`, `b1 (4 C)`, `w2 (C, 4 C)`, `b2 (C)` and `gamma (C)`, one after the
/// other.
pub(super) fn mlp(x: &Tensor, y: &Tensor, parameters: &Tensor, eps: f64) -> Result<Tensor> {
    let channels = x.dims().last().copied().unwrap_or(0);
    let expected: usize = sizes(channels).iter().sum();
    if channels == 0 || y.dims() != x.dims() || parameters.dims() != [expected] {
        bail!("{OP}: x {:?} does not go with y {:?} and parameters {:?}", x.dims(), y.dims(), parameters.dims());
    }
    let (y, parameters) = (y.contiguous()?, parameters.contiguous()?);
    let op = Mlp { channels, eps, isa: Isa::best() };
    x.contiguous()?.apply_op3(&y, &parameters, op)
}

/// Numbers in each part of the parameters, the normalisation's two counted as one.
fn sizes(c: usize) -> [usize; 6] {
    [2 * c, 4 * c * c, 4 * c, 4 * c * c, c, c]
}

fn parts<T>(mut all: &[T], channels: usize) -> [&[T]; 6] {
    sizes(channels).map(|size| {
        let (part, rest) = all.split_at(size);
        all = rest;
        part
    })
}

fn parts_mut<T>(mut all: &mut [T], channels: usize) -> [&mut [T]; 6] {
    sizes(channels).map(|size| {
        let (part, rest) = std::mem::take(&mut all).split_at_mut(size);
        all = rest;
        part
    })
}

/// A matrix, row after row, or the transpose of one.
#[derive(Clone, Copy)]
struct Matrix<'a, T> {
    elements: &'a [T],
    rows: usize,
    columns: usize,
    transposed: bool,
}

impl<'a, T> Matrix<'a, T> {
    fn new(elements: &'a [T], columns: usize) -> Self {
        Self { elements, rows: elements.len() / columns, columns, transposed: false }
    }

    fn t(self) -> Self {
        Self { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }

    /// Distance between neighbouring rows and between neighbouring columns.
    fn strides(&self) -> (isize, isize) {
        if self.transposed { (1, self.rows as isize) } else { (self.columns as isize, 1) }
    }
}

/// `out += a b`, or `out = a b`, on this thread alone.
fn multiply<T: Float>(out: &mut [T], add: bool, a: Matrix<T>, b: Matrix<T>) {
    assert!(a.columns == b.rows && out.len() == a.rows * b.columns);
    let ((a_rows, a_columns), (b_rows, b_columns)) = (a.strides(), b.strides());
    // SAFETY: the matrices have as many elements as rows times columns; `out` too, as checked.
    unsafe {
        gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr(),
            1,
            b.columns as isize,
            add,
            a.elements.as_ptr(),
            a_columns,
            a_rows,
            b.elements.as_ptr(),
            b_columns,
            b_rows,
            T::one(),
            T::one(),
            false,
            false,
            false,
            Parallelism::None,
        )
    }
}

/// What a block of rows needs on its way.
struct Scratch<T> {
    normal: Vec<T>,
    hidden: Vec<T>,
    active: Vec<T>,
    output: Vec<T>,
}

struct Mlp {
    channels: usize,
    eps: f64,
    isa: Isa,
}

impl Mlp {
    /// Rows that go through together: few enough to stay in the cache.
    fn rows_per_block(&self) -> usize {
        (16 * 1024 / self.channels).clamp(32, 512)
    }

    /// Rows of one task, which sums its own gradients of the parameters: a multiple of the block.
    /// It depends on the shapes alone, and so do the results.
    fn rows_per_task(&self, rows: usize) -> usize {
        const TASKS: usize = 64;
        rows.div_ceil(TASKS).next_multiple_of(self.rows_per_block())
    }

    fn scratch<T: Float>(&self) -> Scratch<T> {
        let narrow = self.rows_per_block() * self.channels;
        Scratch {
            normal: vec![T::zero(); narrow],
            hidden: vec![T::zero(); 4 * narrow],
            active: vec![T::zero(); 4 * narrow],
            output: vec![T::zero(); narrow],
        }
    }

    /// Fills `scratch` with all that comes of the rows `y`, up to the output before layer scale.
    fn branch<T: Float>(&self, y: &[T], parameters: &[T], scratch: &mut Scratch<T>) {
        let c = self.channels;
        let [norm, w1, b1, w2, b2, _] = parts(parameters, c);
        let (weight, bias) = norm.split_at(c);
        let (narrow, wide) = (y.len(), 4 * y.len());
        let normal = &mut scratch.normal[..narrow];
        self.isa.run(norm::NormaliseRows { x: y, weight, bias, eps: T::from_f64(self.eps), y: normal });
        let hidden = &mut scratch.hidden[..wide];
        for row in hidden.chunks_exact_mut(4 * c) {
            row.copy_from_slice(b1);
        }
        multiply(hidden, true, Matrix::new(normal, c), Matrix::new(w1, c).t());
        let active = &mut scratch.active[..wide];
        self.isa.run(gelu::Forward { x: hidden, y: active });
        let output = &mut scratch.output[..narrow];
        for row in output.chunks_exact_mut(c) {
            row.copy_from_slice(b2);
        }
        let (active, w2) = (Matrix::new(active, 4 * c), Matrix::new(w2, 4 * c));
        multiply(output, true, active, w2.t());
    }

    fn forward<T: Float>(&self, x: &[T], y: &[T], parameters: &[T]) -> Vec<T> {
        let c = self.channels;
        let [.., gamma] = parts(parameters, c);
        let block = self.rows_per_block() * c;
        let task = self.rows_per_task(x.len() / c) * c;
        let mut result = x.to_vec();
        result.par_chunks_mut(task).zip(y.par_chunks(task)).for_each(|(result, y)| {
            let mut scratch = self.scratch();
            for (result, y) in result.chunks_mut(block).zip(y.chunks(block)) {
                self.branch(y, parameters, &mut scratch);
                let rows = result.chunks_exact_mut(c);
                for (result, output) in rows.zip(scratch.output.chunks_exact(c)) {
                    for i in 0..c {
                        result[i] += gamma[i] * output[i];
                    }
                }
            }
        });
        result
    }

    /// Gradients of y and of the parameters; that of x is `gradient` itself.
    fn backward<T: Float>(&self, y: &[T], parameters: &[T], gradient: &[T]) -> (Vec<T>, Vec<T>) {
        let task = self.rows_per_task(y.len() / self.channels) * self.channels;
        let block = self.rows_per_block() * self.channels;
        let mut dy = vec![T::zero(); y.len()];
        let mut partials = vec![T::zero(); y.len().div_ceil(task) * parameters.len()];
        dy.par_chunks_mut(task)
            .zip(partials.par_chunks_mut(parameters.len()))
            .zip(y.par_chunks(task).zip(gradient.par_chunks(task)))
            .for_each(|((dy, sums), (y, gradient))| {
                let mut scratch = self.scratch();
                let rows = y.chunks(block).zip(gradient.chunks(block));
                for (dy, (y, gradient)) in dy.chunks_mut(block).zip(rows) {
                    self.branch(y, parameters, &mut scratch);
                    self.block_gradients(y, parameters, gradient, &mut scratch, dy, sums);
                }
            });
        (dy, add_in_order(&partials, parameters.len()))
    }

    /// The gradient of the rows `y`, after [`branch`](Self::branch) has filled `scratch`; adds
    /// those of the parameters to `sums`.
    fn block_gradients<T: Float>(
        &self,
        y: &[T],
        parameters: &[T],
        gradient: &[T],
        scratch: &mut Scratch<T>,
        dy: &mut [T],
        sums: &mut [T],
    ) {
        let c = self.channels;
        let [norm, w1, _, w2, _, gamma] = parts(parameters, c);
        let [dnorm, dw1, db1, dw2, db2, dgamma] = parts_mut(sums, c);
        let (narrow, wide) = (y.len(), 4 * y.len());
        let normal = &mut scratch.normal[..narrow];
        let hidden = &mut scratch.hidden[..wide];
        let active = &mut scratch.active[..wide];
        let output = &mut scratch.output[..narrow];

        // The gradient of the output takes its place.
        let rows = output.chunks_exact_mut(c).zip(gradient.chunks_exact(c));
        for (output, gradient) in rows {
            for i in 0..c {
                dgamma[i] += gradient[i] * output[i];
                output[i] = gradient[i] * gamma[i];
            }
        }
        let doutput = Matrix::new(output, c);
        column_sums_into(db2, output);
        multiply(dw2, true, doutput.t(), Matrix::new(active, 4 * c));
        multiply(active, false, doutput, Matrix::new(w2, 4 * c));
        self.isa.run(gelu::BackwardInPlace { x: hidden, gradient: active });
        let dhidden = Matrix::new(active, 4 * c);
        column_sums_into(db1, active);
        multiply(dw1, true, dhidden.t(), Matrix::new(normal, c));
        multiply(normal, false, dhidden, Matrix::new(w1, c));
        self.isa.run(norm::GradientRows {
            x: y,
            weight: &norm[..c],
            eps: T::from_f64(self.eps),
            dy: normal,
            dx: dy,
            sums: dnorm,
        });
    }
}

impl CustomOp3 for Mlp {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        y: &CpuStorage,
        y_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, x.dtype(), T => {
            let x = slice::<T>(OP, x, x_layout)?;
            let y = slice(OP, y, y_layout)?;
            let parameters = slice(OP, parameters, parameters_layout)?;
            let result = self.forward(x, y, parameters);
            Ok((T::to_cpu_storage_owned(result), x_layout.shape().clone()))
        })
    }

    fn bwd(
        &self,
        _x: &Tensor,
        y: &Tensor,
        parameters: &Tensor,
        _result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        by_dtype!(OP, y.dtype(), T => {
            let (dy, dparameters) = with_slice::<T, _>(OP, y, |y| {
                with_slice(OP, parameters, |parameters| {
                    with_slice(OP, gradient, |g| Ok(self.backward(y, parameters, g)))
                })
            })?;
            let device = y.device();
            Ok((
                Some(gradient.clone()),
                Some(Tensor::from_vec(dy, y.shape(), device)?),
                Some(Tensor::from_vec(dparameters, parameters.shape(), device)?),
            ))
        })
    }
}
