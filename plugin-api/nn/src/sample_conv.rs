//! Convolution of each sample with weights of its own, 3x3, as networks need it whose weights another network generates.
//!
//! Fields are channels-last, `(B, H, W, C)`. The size is kept: beyond an edge the field goes on periodically or as in a
//! mirror. There is no bias.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, D, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::cpu::{by_dtype, slice, with_slice};
use crate::float::Float;
use crate::matmul::{AddOuter, Multiply, Panels, Rows, Start};
use crate::memory::zeros;
use crate::simd::{Isa, Kernel, Vector};

const OP: &str = "sample_conv";
/// Of the kernel.
const TAPS: usize = 9;

/// How a field goes on beyond the edge of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// As at the other end.
    Periodic,
    /// As in a mirror on the outermost point, which is not repeated.
    Reflect,
}

/// Each sample's fields with all their channels under its own kernels: `x (B, H, W, I)`, `weight (B, O, 9 I)` with the
/// taps in rows of three and, for each tap, the input channels; to `(B, H, W, O)`. `edges` are those of H and W.
///
/// # Errors
/// If shapes do not fit, or a reflecting axis has fewer than two points.
pub fn sample_conv(x: &Tensor, weight: &Tensor, edges: [Edge; 2]) -> Result<Tensor> {
    let (b, h, w, inputs) = x.dims4()?;
    let outputs = match *weight.dims() {
        [samples, outputs, len] if samples == b && len == TAPS * inputs && outputs > 0 => outputs,
        _ => bail!("{OP}: expected x (B, H, W, I) and weight (B, O, 9 I), got {:?} and {:?}", x.dims(), weight.dims()),
    };
    check_edges(x, edges)?;
    crate::flops::entered(x.elem_count() * TAPS * outputs, [x, weight]);
    if !x.device().is_cpu() {
        return dense_composed(x, weight, edges);
    }
    let grid = Grid::new(h, w, edges);
    x.contiguous()?.apply_op2(&weight.contiguous()?, Dense { grid, inputs, outputs })
}

/// Each sample's channels under kernels of their own, and then, if `per_output` is more than 1, summed over so many
/// neighbouring channels: a grouped convolution with one output a group. `x (B, H, W, I)`, `weight (B, 9, I)`, to
/// `(B, H, W, I / per_output)`. `edges` are those of H and W.
///
/// # Errors
/// If shapes do not fit, or a reflecting axis has fewer than two points.
pub fn sample_depthwise_conv(x: &Tensor, weight: &Tensor, per_output: usize, edges: [Edge; 2]) -> Result<Tensor> {
    let (b, h, w, inputs) = x.dims4()?;
    if weight.dims() != [b, TAPS, inputs] || per_output == 0 || !inputs.is_multiple_of(per_output) {
        bail!(
            "{OP}: expected x (B, H, W, I) and weight (B, 9, I) with I a multiple of {per_output}, got {:?} and {:?}",
            x.dims(),
            weight.dims()
        );
    }
    check_edges(x, edges)?;
    crate::flops::entered(x.elem_count() * TAPS, [x, weight]);
    if !x.device().is_cpu() {
        return depthwise_composed(x, weight, per_output, edges);
    }
    let grid = Grid::new(h, w, edges);
    x.contiguous()?.apply_op2(&weight.contiguous()?, Depthwise { grid, inputs, per_output })
}

fn check_edges(x: &Tensor, edges: [Edge; 2]) -> Result<()> {
    let shortest = |edge| if edge == Edge::Reflect { 2 } else { 1 };
    if (0..2).any(|axis| x.dims()[1 + axis] < shortest(edges[axis])) || x.elem_count() == 0 {
        bail!("{OP}: a reflecting axis needs two points, a periodic one a point; got {:?} with {edges:?}", x.dims());
    }
    Ok(())
}

/// The nine shifted fields, each `(B, H, W, I)`, of operations that every device has.
fn shifted(x: &Tensor, edges: [Edge; 2]) -> Result<Vec<Tensor>> {
    let mut padded = x.clone();
    for (axis, edge) in [1, 2].into_iter().zip(edges) {
        let last = x.dims()[axis] - 1;
        let (before, after) = match edge {
            Edge::Periodic => (last, 0),
            Edge::Reflect => (1, last - 1),
        };
        let [before, after] = [before, after].map(|at| padded.narrow(axis, at, 1));
        padded = Tensor::cat(&[&before?, &padded, &after?], axis)?;
    }
    let (_, h, w, _) = x.dims4()?;
    (0..TAPS).map(|tap| padded.narrow(1, tap / 3, h)?.narrow(2, tap % 3, w)).collect()
}

fn dense_composed(x: &Tensor, weight: &Tensor, edges: [Edge; 2]) -> Result<Tensor> {
    let (b, h, w, _) = x.dims4()?;
    let patches = Tensor::cat(&shifted(x, edges)?, 3)?.reshape((b, h * w, ()))?;
    patches.matmul(&weight.to_dtype(x.dtype())?.transpose(1, 2)?.contiguous()?)?.reshape((b, h, w, ()))
}

fn depthwise_composed(x: &Tensor, weight: &Tensor, per_output: usize, edges: [Edge; 2]) -> Result<Tensor> {
    let (b, h, w, inputs) = x.dims4()?;
    let weight = weight.to_dtype(x.dtype())?;
    let mut sum = x.zeros_like()?;
    for (tap, x) in shifted(x, edges)?.iter().enumerate() {
        let weight = weight.narrow(1, tap, 1)?.reshape((b, 1, 1, inputs))?;
        sum = (sum + x.contiguous()?.broadcast_mul(&weight)?)?;
    }
    sum.reshape((b, h, w, inputs / per_output, per_output))?.sum(D::Minus1)
}

/// Where the taps of a point lie.
struct Grid {
    height: usize,
    width: usize,
    /// The three rows, or columns, that the taps of a row, or column, read.
    rows: Vec<[usize; 3]>,
    columns: Vec<[usize; 3]>,
}

impl Grid {
    fn new(height: usize, width: usize, [vertical, horizontal]: [Edge; 2]) -> Self {
        let neighbours = |len: usize, edge: Edge| -> Vec<[usize; 3]> {
            let last = len - 1;
            let (before, after) = match edge {
                Edge::Periodic => (last, 0),
                Edge::Reflect => (1, last - 1),
            };
            (0..len).map(|i| [if i == 0 { before } else { i - 1 }, i, if i == last { after } else { i + 1 }]).collect()
        };
        Self { height, width, rows: neighbours(height, vertical), columns: neighbours(width, horizontal) }
    }

    fn points(&self) -> usize {
        self.height * self.width
    }

    /// The point that tap `tap` of the point at `row` and `column` reads.
    #[inline(always)]
    fn point(&self, row: usize, column: usize, tap: usize) -> usize {
        self.rows[row][tap / 3] * self.width + self.columns[column][tap % 3]
    }
}

struct Dense {
    grid: Grid,
    inputs: usize,
    outputs: usize,
}

impl Dense {
    fn patch(&self) -> usize {
        TAPS * self.inputs
    }

    /// The patches of one row of points, one after the other.
    fn read_row<T: Float>(&self, x: &[T], row: usize, patches: &mut [T]) {
        for (i, to) in patches.chunks_exact_mut(self.inputs).enumerate() {
            let from = self.grid.point(row, i / TAPS, i % TAPS) * self.inputs;
            to.copy_from_slice(&x[from..][..self.inputs]);
        }
    }

    /// The adjoint of [`read_row`](Self::read_row).
    fn add_row<T: Float>(&self, patches: &[T], row: usize, x: &mut [T]) {
        for (i, from) in patches.chunks_exact(self.inputs).enumerate() {
            let to = self.grid.point(row, i / TAPS, i % TAPS) * self.inputs;
            for (to, from) in x[to..][..self.inputs].iter_mut().zip(from) {
                *to += *from;
            }
        }
    }

    fn forward<T: Float>(&self, x: &[T], weight: &[T]) -> Vec<T> {
        let isa = Isa::best();
        let (points, width, patch, outputs) = (self.grid.points(), self.grid.width, self.patch(), self.outputs);
        let mut y = zeros(x.len() / self.inputs * outputs);
        y.par_chunks_mut(points * outputs)
            .zip(x.par_chunks(points * self.inputs).zip(weight.par_chunks(outputs * patch)))
            .for_each(|(y, (x, weight))| {
                let panels = &Panels::new(isa, patch, outputs, |k, n| weight[n * patch + k]);
                let mut patches = vec![T::zero(); width * patch];
                for (row, out) in y.chunks_exact_mut(width * outputs).enumerate() {
                    self.read_row(x, row, &mut patches);
                    let rows = Rows::plain(&patches, patch);
                    isa.run(Multiply { rows, panels, start: Start::Zero, out, out_stride: outputs });
                }
            });
        y
    }

    /// Gradients of x and weight.
    fn backward<T: Float>(&self, x: &[T], weight: &[T], dy: &[T]) -> (Vec<T>, Vec<T>) {
        let isa = Isa::best();
        let (points, width, patch, outputs) = (self.grid.points(), self.grid.width, self.patch(), self.outputs);
        let (mut dx, mut dweight) = (zeros(x.len()), zeros(weight.len()));
        dx.par_chunks_mut(points * self.inputs)
            .zip(dweight.par_chunks_mut(outputs * patch))
            .zip(x.par_chunks(points * self.inputs).zip(weight.par_chunks(outputs * patch)))
            .zip(dy.par_chunks(points * outputs))
            .for_each(|(((dx, sums), (x, weight)), dy)| {
                let panels = &Panels::new(isa, outputs, patch, |k, n| weight[k * patch + n]);
                let mut patches = vec![T::zero(); width * patch];
                for (row, dy) in dy.chunks_exact(width * outputs).enumerate() {
                    self.read_row(x, row, &mut patches);
                    isa.run(AddOuter { a: Rows::plain(dy, outputs), b: &patches, sums });
                    let rows = Rows::plain(dy, outputs);
                    isa.run(Multiply { rows, panels, start: Start::Zero, out: &mut patches, out_stride: patch });
                    self.add_row(&patches, row, dx);
                }
            });
        (dx, dweight)
    }
}

struct Depthwise {
    grid: Grid,
    inputs: usize,
    per_output: usize,
}

/// One sample's result.
struct Apply<'a, T> {
    op: &'a Depthwise,
    x: &'a [T],
    weight: &'a [T],
    y: &'a mut [T],
}

impl<T: Float> Kernel<T> for Apply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Depthwise { grid, inputs, per_output } = self.op;
        let mut sums = vec![T::zero(); *inputs];
        for (at, y) in self.y.chunks_exact_mut(inputs / per_output).enumerate() {
            sums.fill(T::zero());
            for (tap, weight) in self.weight.chunks_exact(*inputs).enumerate() {
                let x = &self.x[grid.point(at / grid.width, at % grid.width, tap) * inputs..][..*inputs];
                for ((sum, x), weight) in sums.iter_mut().zip(x).zip(weight) {
                    *sum = x.mul_add(*weight, *sum, V::FUSED);
                }
            }
            match per_output {
                1 => y.copy_from_slice(&sums),
                _ => {
                    for (y, sums) in y.iter_mut().zip(sums.chunks_exact(*per_output)) {
                        *y = sums.iter().fold(T::zero(), |sum, &term| sum + term);
                    }
                }
            }
        }
    }
}

/// One sample's gradients.
struct ApplyBack<'a, T> {
    op: &'a Depthwise,
    x: &'a [T],
    weight: &'a [T],
    dy: &'a [T],
    dx: &'a mut [T],
    dweight: &'a mut [T],
}

impl<T: Float> Kernel<T> for ApplyBack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Depthwise { grid, inputs, per_output } = self.op;
        let mut gradient = vec![T::zero(); *inputs];
        for (at, dy) in self.dy.chunks_exact(inputs / per_output).enumerate() {
            for (gradient, dy) in gradient.chunks_exact_mut(*per_output).zip(dy) {
                gradient.fill(*dy);
            }
            let weights = self.weight.chunks_exact(*inputs).zip(self.dweight.chunks_exact_mut(*inputs));
            for (tap, (weight, dweight)) in weights.enumerate() {
                let from = grid.point(at / grid.width, at % grid.width, tap) * inputs;
                let (x, dx) = (&self.x[from..][..*inputs], &mut self.dx[from..][..*inputs]);
                for ((dx, weight), gradient) in dx.iter_mut().zip(weight).zip(&gradient) {
                    *dx = gradient.mul_add(*weight, *dx, V::FUSED);
                }
                for ((dweight, x), gradient) in dweight.iter_mut().zip(x).zip(&gradient) {
                    *dweight = gradient.mul_add(*x, *dweight, V::FUSED);
                }
            }
        }
    }
}

impl Depthwise {
    fn forward<T: Float>(&self, x: &[T], weight: &[T]) -> Vec<T> {
        let isa = Isa::best();
        let of_sample = self.grid.points() * self.inputs;
        let mut y = zeros(x.len() / self.per_output);
        y.par_chunks_mut(of_sample / self.per_output)
            .zip(x.par_chunks(of_sample).zip(weight.par_chunks(TAPS * self.inputs)))
            .for_each(|(y, (x, weight))| isa.run(Apply { op: self, x, weight, y }));
        y
    }

    /// Gradients of x and weight.
    fn backward<T: Float>(&self, x: &[T], weight: &[T], dy: &[T]) -> (Vec<T>, Vec<T>) {
        let isa = Isa::best();
        let (of_sample, of_weight) = (self.grid.points() * self.inputs, TAPS * self.inputs);
        let (mut dx, mut dweight) = (zeros(x.len()), zeros(weight.len()));
        dx.par_chunks_mut(of_sample)
            .zip(dweight.par_chunks_mut(of_weight))
            .zip(x.par_chunks(of_sample).zip(weight.par_chunks(of_weight)))
            .zip(dy.par_chunks(of_sample / self.per_output))
            .for_each(|(((dx, dweight), (x, weight)), dy)| {
                isa.run(ApplyBack { op: self, x, weight, dy, dx, dweight });
            });
        (dx, dweight)
    }
}

/// Both operations meet candle alike.
macro_rules! meets_candle {
    ($op:ty, |$this:ident| $outputs:expr) => {
        impl CustomOp2 for $op {
            fn name(&self) -> &'static str {
                OP
            }

            fn cpu_fwd(
                &self,
                x: &CpuStorage,
                x_layout: &Layout,
                weight: &CpuStorage,
                weight_layout: &Layout,
            ) -> Result<(CpuStorage, Shape)> {
                let $this = self;
                let (b, h, w, _) = x_layout.shape().dims4()?;
                by_dtype!(OP, x.dtype(), T => {
                    let y = self.forward::<T>(slice(OP, x, x_layout)?, slice(OP, weight, weight_layout)?);
                    Ok((T::to_cpu_storage_owned(y), Shape::from((b, h, w, $outputs))))
                })
            }

            fn bwd(
                &self,
                x: &Tensor,
                weight: &Tensor,
                _y: &Tensor,
                dy: &Tensor,
            ) -> Result<(Option<Tensor>, Option<Tensor>)> {
                by_dtype!(OP, x.dtype(), T => {
                    let (dx, dweight) = with_slice::<T, _>(OP, x, |x| {
                        with_slice(OP, weight, |weight| with_slice(OP, dy, |dy| Ok(self.backward(x, weight, dy))))
                    })?;
                    Ok((
                        Some(Tensor::from_vec(dx, x.shape(), x.device())?),
                        Some(Tensor::from_vec(dweight, weight.shape(), weight.device())?),
                    ))
                })
            }
        }
    };
}

meets_candle!(Dense, |this| this.outputs);
meets_candle!(Depthwise, |this| this.inputs / this.per_output);

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};

    use super::{Edge, dense_composed, depthwise_composed, sample_conv, sample_depthwise_conv};
    use crate::Rng;

    /// What runs on a GPU, compared on the CPU with what runs there.
    #[test]
    fn the_composed_operations_agree_with_the_kernels() {
        let normal =
            |shape: &[usize], purpose| Rng::new(1, purpose, 0).normal(shape, DType::F64, &Device::Cpu).unwrap();
        let worst = |a: &Tensor, b: &Tensor| {
            (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f64>().unwrap()
        };
        for edges in [[Edge::Periodic, Edge::Reflect], [Edge::Reflect, Edge::Periodic]] {
            let x = normal(&[2, 5, 4, 6], "x");
            let weight = normal(&[2, 3, 54], "dense");
            let error = worst(&sample_conv(&x, &weight, edges).unwrap(), &dense_composed(&x, &weight, edges).unwrap());
            assert!(error < 1e-12, "dense, {edges:?}: {error}");
            let weight = normal(&[2, 9, 6], "depthwise");
            for per_output in [1, 2, 3] {
                let y = sample_depthwise_conv(&x, &weight, per_output, edges).unwrap();
                let error = worst(&y, &depthwise_composed(&x, &weight, per_output, edges).unwrap());
                assert!(error < 1e-12, "depthwise, {edges:?}, {per_output}: {error}");
            }
        }
    }
}
