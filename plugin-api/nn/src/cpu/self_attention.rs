//! Scaled dot-product attention among tokens.
//!
//! The matrix of scores is never stored whole: only the rows of one head for a few queries at a time. The backward pass
//! recomputes them from the logarithm of the sum of each row, which is all that the forward pass keeps.

use rayon::prelude::*;

use super::matmul::{AddOuter, Multiply, Panels, Rows, Start};
use super::reduce::{add_in_order, row_max, row_sum};
use super::simd::{Float, Isa, Kernel, Vector};
use super::zeros::zeros;

/// Queries that are processed together.
const ROWS: usize = 48;

/// The shape of an attention.
#[derive(Clone, Copy)]
pub(crate) struct Attention {
    pub(crate) tokens: usize,
    pub(crate) heads: usize,
    /// Channels of one head.
    pub(crate) width: usize,
}

impl Attention {
    fn scale<T: Float>(&self) -> T {
        T::from_f64((self.width as f64).powf(-0.5))
    }

    /// The elements `(token, i)` of the matrix `(N, d)` of queries (part 0), keys (1) or values (2) of one head of one
    /// sample.
    fn part<'a, T: Float>(&self, sample: &'a [T], head: usize, part: usize) -> impl Fn(usize, usize) -> T + Sync + 'a {
        let (row, first) = (3 * self.heads * self.width, (part * self.heads + head) * self.width);
        move |token, i| sample[token * row + first + i]
    }

    /// The queries from `first` on, at most `ROWS`, as rows.
    fn queries<'a, T: Float>(&self, sample: &'a [T], start: &'a [usize; 1], first: usize) -> Rows<'a, T> {
        let stride = 3 * self.heads * self.width;
        let count = ROWS.min(self.tokens - first);
        Rows { data: &sample[first * stride..], count, stride, starts: start, len: self.width }
    }

    /// The result `(B, N, D)`, and the logarithm of the sum of the exponentials of each query's scores,
    /// `(B, heads, N)`.
    pub(crate) fn forward<T: Float>(&self, qkv: &[T], bias: Option<&[T]>) -> (Vec<T>, Vec<T>) {
        let isa = Isa::best();
        let (n, d) = (self.tokens, self.width);
        let mut heads = zeros(qkv.len() / 3);
        let mut logs = zeros(qkv.len() / (3 * d));
        heads.par_chunks_mut(n * d).zip(logs.par_chunks_mut(n)).enumerate().for_each(|(i, (out, logs))| {
            let (sample, head) = (&qkv[i / self.heads * n * self.heads * d * 3..], i % self.heads);
            let (k, v) = (self.part(sample, head, 1), self.part(sample, head, 2));
            let scale = self.scale::<T>();
            let keys = &Panels::new(isa, d, n, |i, token| scale * k(token, i));
            let values = &Panels::new(isa, n, d, v);
            let bias = bias.map(|bias| &bias[head * n * n..][..n * n]);
            let start = &[head * d];
            let mut scores = vec![T::zero(); ROWS.min(n) * n];
            for first in (0..n).step_by(ROWS) {
                let queries = self.queries(sample, start, first);
                let count = queries.count;
                isa.run(ForwardRows {
                    queries,
                    keys,
                    values,
                    bias: bias.map(|bias| &bias[first * n..][..count * n]),
                    scores: &mut scores[..count * n],
                    logs: &mut logs[first..][..count],
                    out: &mut out[first * d..][..count * d],
                });
            }
        });
        (self.interleave(&heads, 1), logs)
    }

    /// The gradients of `qkv` and of the bias.
    pub(crate) fn backward<T: Float>(
        &self,
        qkv: &[T],
        bias: Option<&[T]>,
        logs: &[T],
        y: &[T],
        dy: &[T],
    ) -> (Vec<T>, Option<Vec<T>>) {
        let isa = Isa::best();
        let (n, d) = (self.tokens, self.width);
        let mut heads = zeros(qkv.len());
        let mut dscores = zeros(if bias.is_some() { qkv.len() / (3 * d) * n } else { 0 });
        // Without a bias, every task gets an empty slice.
        let mut dbias: Vec<&mut [T]> = dscores.chunks_mut(n * n).collect();
        dbias.resize_with(qkv.len() / (3 * d * n), || &mut []);
        heads.par_chunks_mut(3 * n * d).zip(dbias).enumerate().for_each(|(i, (out, dbias))| {
            let (sample, head) = (i / self.heads, i % self.heads);
            let of_sample = n * self.heads * d;
            let (y, dy) = (&y[sample * of_sample..], &dy[sample * of_sample..]);
            let sample = &qkv[3 * sample * of_sample..];
            let [q, k, v] = [0, 1, 2].map(|part| self.part(sample, head, part));
            let scale = self.scale::<T>();
            let keys = &Panels::new(isa, d, n, |i, token| scale * k(token, i));
            let keys_back = &Panels::new(isa, n, d, |token, i| scale * k(token, i));
            let values = &Panels::new(isa, d, n, |i, token| v(token, i));
            let bias = bias.map(|bias| &bias[head * n * n..][..n * n]);
            let (start, row) = (&[head * d], self.heads * d);
            let (dq, rest) = out.split_at_mut(n * d);
            let (dk, dv) = rest.split_at_mut(n * d);
            let mut scratch = vec![T::zero(); ROWS.min(n) * (2 * n + 2 * d + 1)];
            for first in (0..n).step_by(ROWS) {
                let queries = self.queries(sample, start, first);
                let count = queries.count;
                let (scores, rest) = scratch.split_at_mut(count * n);
                let (dscores, rest) = rest.split_at_mut(count * n);
                let (query, rest) = rest.split_at_mut(count * d);
                let (gradient, along) = rest.split_at_mut(count * d);
                for r in 0..count {
                    let at = (first + r) * row + head * d;
                    gradient[r * d..][..d].copy_from_slice(&dy[at..][..d]);
                    for i in 0..d {
                        query[r * d + i] = scale * q(first + r, i);
                    }
                    along[r] = row_sum(d, |i| dy[at + i] * y[at + i]);
                }
                isa.run(BackwardRows {
                    queries,
                    keys,
                    keys_back,
                    values,
                    bias: bias.map(|bias| &bias[first * n..][..count * n]),
                    logs: &logs[i * n + first..][..count],
                    query,
                    gradient,
                    along: &along[..count],
                    scores,
                    dscores,
                    dq: &mut dq[first * d..][..count * d],
                    dk,
                    dv,
                });
                if bias.is_some() {
                    dbias[first * n..][..count * n].copy_from_slice(dscores);
                }
            }
        });
        let dbias = bias.map(|bias| add_in_order(&dscores, bias.len()));
        (self.interleave(&heads, 3), dbias)
    }

    /// `(B, heads, parts, N, d)` to `(B, N, parts, heads, d)`.
    fn interleave<T: Float>(&self, from: &[T], parts: usize) -> Vec<T> {
        let (n, d) = (self.tokens, self.width);
        let row = parts * self.heads * d;
        let mut to = zeros(from.len());
        to.par_chunks_mut(row).enumerate().for_each(|(i, to)| {
            let sample = &from[i / n * n * row..];
            for (j, to) in to.chunks_exact_mut(d).enumerate() {
                let (part, head) = (j / self.heads, j % self.heads);
                to.copy_from_slice(&sample[((head * parts + part) * n + i % n) * d..][..d]);
            }
        });
        to
    }
}

/// The results of a few queries of one head.
struct ForwardRows<'a, T> {
    queries: Rows<'a, T>,
    /// The keys' transpose, scaled.
    keys: &'a Panels<T>,
    values: &'a Panels<T>,
    bias: Option<&'a [T]>,
    scores: &'a mut [T],
    logs: &'a mut [T],
    out: &'a mut [T],
}

impl<T: Float> Kernel<T> for ForwardRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { queries, keys, values, bias, scores, logs, out } = self;
        let n = scores.len() / logs.len();
        let d = out.len() / logs.len();
        score::<T, V>(queries, keys, bias, scores, n);
        for (row, log) in scores.chunks_exact_mut(n).zip(&mut *logs) {
            let largest = row_max(row);
            for score in &mut *row {
                *score = (*score - largest).exp_of_negative(V::FUSED);
            }
            let sum = row_sum(n, |i| row[i]);
            let scale = T::one() / sum;
            for score in row {
                *score *= scale;
            }
            *log = largest + T::from_f64(sum.to_f64().ln());
        }
        V::call(Multiply { rows: Rows::plain(scores, n), panels: values, start: Start::Zero, out, out_stride: d });
    }
}

/// Products of queries and keys, plus the bias.
#[inline(always)]
fn score<T: Float, V: Vector<T>>(
    queries: Rows<'_, T>,
    keys: &Panels<T>,
    bias: Option<&[T]>,
    scores: &mut [T],
    n: usize,
) {
    V::call(Multiply { rows: queries, panels: keys, start: Start::Zero, out: scores, out_stride: n });
    if let Some(bias) = bias {
        for (score, bias) in scores.iter_mut().zip(bias) {
            *score += *bias;
        }
    }
}

/// The gradients from the results of a few queries.
struct BackwardRows<'a, T> {
    queries: Rows<'a, T>,
    /// The keys' transpose, scaled, and the scaled keys.
    keys: &'a Panels<T>,
    keys_back: &'a Panels<T>,
    /// The values' transpose.
    values: &'a Panels<T>,
    bias: Option<&'a [T]>,
    logs: &'a [T],
    /// The queries, scaled, and the gradient of the result.
    query: &'a [T],
    gradient: &'a [T],
    /// Product of result and gradient, one for each query.
    along: &'a [T],
    scores: &'a mut [T],
    dscores: &'a mut [T],
    dq: &'a mut [T],
    /// Gradients of all keys and values, to be added to.
    dk: &'a mut [T],
    dv: &'a mut [T],
}

impl<T: Float> Kernel<T> for BackwardRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { queries, keys, keys_back, values, bias, logs, query, gradient, along, scores, dscores, dq, dk, dv } =
            self;
        let n = scores.len() / logs.len();
        let d = query.len() / logs.len();
        score::<T, V>(queries, keys, bias, scores, n);
        for (row, &log) in scores.chunks_exact_mut(n).zip(logs) {
            for score in row {
                // Round-off may leave a small positive value.
                let below = *score - log;
                *score = (if below > T::zero() { T::zero() } else { below }).exp_of_negative(V::FUSED);
            }
        }
        V::call(AddOuter { a: Rows::plain(scores, n), b: gradient, sums: dv });
        let rows = Rows::plain(gradient, d);
        V::call(Multiply { rows, panels: values, start: Start::Zero, out: dscores, out_stride: n });
        for ((dscores, scores), &along) in dscores.chunks_exact_mut(n).zip(scores.chunks_exact(n)).zip(along) {
            for (dscore, score) in dscores.iter_mut().zip(scores) {
                *dscore = *score * (*dscore - along);
            }
        }
        let rows = Rows::plain(dscores, n);
        V::call(Multiply { rows, panels: keys_back, start: Start::Zero, out: dq, out_stride: d });
        V::call(AddOuter { a: rows, b: query, sums: dk });
    }
}
