//! The part of a ConvNeXt block after its convolution, in one kernel:
//! `x + gamma (w2 gelu(w1 layer_norm(y) + b1) + b2)`.
//!
//! Rows are independent here, so a few at a time go through normalisation, both matrix products and GELU while they are
//! in the cache, and no tensor of four times the width of the input is ever stored. The backward pass recomputes it,
//! which costs less than writing and reading it.

use rayon::prelude::*;

use super::gelu::{Forward as GeluForward, WithSlope};
use super::layer_norm::{GradientRows, NormaliseRows};
use super::matmul::{AddOuter, Multiply, Panels, Rows, Start};
use super::reduce::{add_in_order, add_rows};
use super::simd::{Float, Isa, Kernel, Vector, load_some, store_some};
use super::zeros::zeros;

/// Elements of each part of the parameters; weight and bias of the normalisation are one part.
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

/// Rows that are processed together: few enough to stay in the cache, and a multiple of the block sizes of all kernels.
const ROWS: usize = 48;

/// The shape of the layers.
pub(crate) struct Mlp {
    channels: usize,
    eps: f64,
    isa: Isa,
}

impl Mlp {
    pub(crate) fn new(channels: usize, eps: f64) -> Self {
        Self { channels, eps, isa: Isa::best() }
    }

    /// Elements of all parameters.
    pub(crate) fn parameters(&self) -> usize {
        sizes(self.channels).iter().sum()
    }

    /// Rows per task, a multiple of [`ROWS`]. Each task has its own sums for the gradients of the parameters; their
    /// number depends on the shapes alone.
    fn rows_per_task(&self, rows: usize) -> usize {
        const TASKS: usize = 64;
        // Elements of the sums of all tasks together.
        const SUMS: usize = 8 << 20;
        let tasks = (SUMS / self.parameters()).clamp(4, TASKS);
        rows.div_ceil(tasks).next_multiple_of(ROWS)
    }

    /// The result from the input `x` of the block and the output `y` of its convolution.
    pub(crate) fn forward<T: Float>(&self, x: &[T], y: &[T], parameters: &[T]) -> Vec<T> {
        let c = self.channels;
        let [norm, w1, b1, w2, b2, gamma] = parts(parameters, c);
        let weights = Forward {
            norm: Norm { weight: &norm[..c], bias: &norm[c..], eps: T::from_f64(self.eps) },
            w1: &Panels::new(self.isa, c, 4 * c, |k, n| w1[n * c + k]),
            b1,
            w2: &Panels::new(self.isa, 4 * c, c, |k, n| w2[n * 4 * c + k]),
            b2,
            gamma,
        };
        let task = self.rows_per_task(x.len() / c) * c;
        let mut result = zeros(x.len());
        result.par_chunks_mut(task).zip(x.par_chunks(task).zip(y.par_chunks(task))).for_each(|(result, (x, y))| {
            self.isa.run(ForwardRows { weights: &weights, x, y, result });
        });
        result
    }

    /// The gradients of y and of the parameters; the gradient of x is `gradient` itself.
    pub(crate) fn backward<T: Float>(&self, y: &[T], parameters: &[T], gradient: &[T]) -> (Vec<T>, Vec<T>) {
        let c = self.channels;
        let [norm, w1, b1, w2, b2, gamma] = parts(parameters, c);
        let weights = Backward {
            norm: Norm { weight: &norm[..c], bias: &norm[c..], eps: T::from_f64(self.eps) },
            w1: &Panels::new(self.isa, c, 4 * c, |k, n| w1[n * c + k]),
            b1,
            w2: &Panels::new(self.isa, c, 4 * c, |k, n| gamma[k] * w2[k * 4 * c + n]),
            w1_back: &Panels::new(self.isa, 4 * c, c, |k, n| w1[k * c + n]),
        };
        let task = self.rows_per_task(y.len() / c) * c;
        let mut dy = zeros(y.len());
        let mut partials = zeros(y.len().div_ceil(task) * parameters.len());
        dy.par_chunks_mut(task)
            .zip(partials.par_chunks_mut(parameters.len()))
            .zip(y.par_chunks(task).zip(gradient.par_chunks(task)))
            .for_each(|((dy, sums), (y, gradient))| {
                self.isa.run(BackwardRows { weights: &weights, y, gradient, dy, sums });
            });
        let mut sums = add_in_order(&partials, parameters.len());
        let [_, dw1, _, dw2, db2, dgamma] = parts_mut(&mut sums, c);
        // So far dw1 holds the sum of `normal^T dhidden`, dw2 that of `gradient^T active`, and db2 that of `gradient`.
        let by_input = dw1.to_vec();
        dw1.par_chunks_exact_mut(c).with_min_len(32).enumerate().for_each(|(n, row)| {
            for (value, by_input) in row.iter_mut().zip(by_input[n..].iter().step_by(4 * c)) {
                *value = *by_input;
            }
        });
        let rows = dw2.par_chunks_exact_mut(4 * c).zip(w2.par_chunks_exact(4 * c));
        let sums_of_row = dgamma.par_iter_mut().zip(db2).zip(gamma.par_iter().zip(b2));
        rows.zip(sums_of_row).with_min_len(8).for_each(|((product, w2), ((dgamma, db2), (&gamma, &b2)))| {
            *dgamma = b2 * *db2;
            *db2 *= gamma;
            for (product, w2) in product.iter_mut().zip(w2) {
                *dgamma += *product * *w2;
                *product *= gamma;
            }
        });
        (dy, sums)
    }
}

struct Norm<'a, T> {
    weight: &'a [T],
    bias: &'a [T],
    eps: T,
}

struct Forward<'a, T> {
    norm: Norm<'a, T>,
    w1: &'a Panels<T>,
    b1: &'a [T],
    w2: &'a Panels<T>,
    b2: &'a [T],
    gamma: &'a [T],
}

struct ForwardRows<'a, T> {
    weights: &'a Forward<'a, T>,
    x: &'a [T],
    y: &'a [T],
    result: &'a mut [T],
}

impl<T: Float> Kernel<T> for ForwardRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Forward { norm, w1, b1, w2, b2, gamma } = self.weights;
        let c = gamma.len();
        let mut scratch = vec![T::zero(); ROWS * 9 * c];
        let (normal, hidden) = scratch.split_at_mut(ROWS * c);
        let (hidden, active) = hidden.split_at_mut(ROWS * 4 * c);
        let blocks = self.x.chunks(ROWS * c).zip(self.y.chunks(ROWS * c));
        for ((x, y), result) in blocks.zip(self.result.chunks_mut(ROWS * c)) {
            let (normal, hidden) = (&mut normal[..y.len()], &mut hidden[..4 * y.len()]);
            let active = &mut active[..4 * y.len()];
            V::call(NormaliseRows { x: y, weight: norm.weight, bias: norm.bias, eps: norm.eps, y: normal });
            widen::<T, V>(normal, w1, b1, hidden);
            V::call(GeluForward { x: hidden, y: active });
            let rows = Rows::plain(active, 4 * c);
            V::call(Multiply { rows, panels: w2, start: Start::Row(b2), out: result, out_stride: c });
            for (result, x) in result.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                for i in (0..c).step_by(V::LANES) {
                    let branch = load_some::<T, V>(&gamma[i..]).mul(load_some(&result[i..]));
                    store_some(branch.add(load_some(&x[i..])), &mut result[i..]);
                }
            }
        }
    }
}

#[inline(always)]
fn widen<T: Float, V: Vector<T>>(normal: &[T], w1: &Panels<T>, b1: &[T], hidden: &mut [T]) {
    let rows = Rows::plain(normal, b1.len() / 4);
    V::call(Multiply { rows, panels: w1, start: Start::Row(b1), out: hidden, out_stride: b1.len() });
}

struct Backward<'a, T> {
    norm: Norm<'a, T>,
    w1: &'a Panels<T>,
    b1: &'a [T],
    /// From the gradient of the result to that of GELU's output.
    w2: &'a Panels<T>,
    /// From the gradient of GELU's input to that of the normalised rows.
    w1_back: &'a Panels<T>,
}

struct BackwardRows<'a, T> {
    weights: &'a Backward<'a, T>,
    y: &'a [T],
    gradient: &'a [T],
    dy: &'a mut [T],
    /// Sums for the gradients of the parameters; [`Mlp::backward`] completes them.
    sums: &'a mut [T],
}

impl<T: Float> Kernel<T> for BackwardRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Backward { norm, w1, b1, w2, w1_back } = self.weights;
        let c = b1.len() / 4;
        let [dnorm, dw1, db1, dw2, db2, _] = parts_mut(self.sums, c);
        let mut scratch = vec![T::zero(); ROWS * 13 * c];
        let (normal, rest) = scratch.split_at_mut(ROWS * c);
        let (hidden, rest) = rest.split_at_mut(ROWS * 4 * c);
        let (active, back) = rest.split_at_mut(ROWS * 4 * c);
        let blocks = self.y.chunks(ROWS * c).zip(self.gradient.chunks(ROWS * c));
        for ((y, gradient), dy) in blocks.zip(self.dy.chunks_mut(ROWS * c)) {
            let (narrow, wide) = (y.len(), 4 * y.len());
            let (normal, hidden) = (&mut normal[..narrow], &mut hidden[..wide]);
            let (active, back) = (&mut active[..wide], &mut back[..wide]);
            V::call(NormaliseRows { x: y, weight: norm.weight, bias: norm.bias, eps: norm.eps, y: normal });
            widen::<T, V>(normal, w1, b1, hidden);
            V::call(WithSlope { x: hidden, y: active });

            add_rows::<T, V>(db2, gradient);
            V::call(AddOuter { a: Rows::plain(gradient, c), b: active, sums: dw2 });
            let rows = Rows::plain(gradient, c);
            V::call(Multiply { rows, panels: w2, start: Start::Zero, out: back, out_stride: 4 * c });
            for (back, slope) in back.iter_mut().zip(hidden) {
                *back *= *slope;
            }
            add_rows::<T, V>(db1, back);
            V::call(AddOuter { a: Rows::plain(normal, c), b: back, sums: dw1 });
            let rows = Rows::plain(back, 4 * c);
            V::call(Multiply { rows, panels: w1_back, start: Start::Zero, out: normal, out_stride: c });
            V::call(GradientRows { x: y, weight: norm.weight, eps: norm.eps, dy: normal, dx: dy, sums: dnorm });
        }
    }
}
