//! Scaled dot-product attention of tokens among each other, with its gradients.
//!
//! Of the matrix of all pairs, one head's rows for a few queries exist at a time. The backward pass computes them again
//! from the logarithm of each row's sum, which is all that is kept.

pub(crate) mod on_gpu;

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::cpu::{by_dtype, slice, with_slice};
use crate::float::Float;
use crate::matmul::{AddOuter, Multiply, Panels, Rows, Start};
use crate::memory::zeros;
use crate::reduce::{add_in_order, row_max, row_sum};
use crate::simd::{Isa, Kernel, Vector};

const OP: &str = "self_attention";
/// Queries that are worked on together.
const ROWS: usize = 48;

/// `softmax(q k^T / sqrt(d) + bias) v` for each of `heads` heads of width `d = D / heads`, differentiable in both tensors.
///
/// `qkv (B, N, 3 D)` holds queries, keys and values one after the other, and in each the heads one after the other;
/// `bias (heads, N, N)` is added to all samples' scores, row by query. The result is `(B, N, D)`.
pub fn self_attention(qkv: &Tensor, bias: Option<&Tensor>, heads: usize) -> Result<Tensor> {
    let (_, tokens, width) = qkv.dims3()?;
    if heads == 0 || !width.is_multiple_of(3 * heads) || qkv.elem_count() == 0 {
        bail!("{OP}: expected qkv (B, N, 3 D) with D a multiple of {heads} heads, got {:?}", qkv.dims());
    }
    if let Some(bias) = bias.filter(|bias| bias.dims() != [heads, tokens, tokens]) {
        bail!("{OP}: expected a bias ({heads}, {tokens}, {tokens}), got {:?}", bias.dims());
    }
    for _ in ["scores", "values"] {
        crate::flops::entered(qkv.elem_count() / 3 * tokens, [qkv, qkv]);
    }
    if !qkv.device().is_cpu() {
        let bias = bias.map(|bias| bias.to_dtype(DType::F32)).transpose()?;
        return on_gpu::self_attention(&qkv.contiguous()?, bias.as_ref(), heads);
    }
    let attention = Attention { tokens, heads, width: width / 3 / heads, logs: OnceLock::new() };
    match bias {
        Some(bias) => qkv.contiguous()?.apply_op2(&bias.contiguous()?, attention),
        // A bias of no elements stands for none.
        None => qkv.contiguous()?.apply_op2(&Tensor::zeros(0, qkv.dtype(), qkv.device())?, attention),
    }
}

struct Attention {
    tokens: usize,
    heads: usize,
    /// Of one head.
    width: usize,
    /// Logarithm of the sum of the exponentials of each query's scores, `(B, heads, N)`.
    logs: OnceLock<CpuStorage>,
}

impl Attention {
    fn scale<T: Float>(&self) -> T {
        T::from_f64((self.width as f64).powf(-0.5))
    }

    /// The matrix of one sample's and head's keys or values, `(N, d)`: its element `(token, i)`.
    fn part<'a, T: Float>(&self, sample: &'a [T], head: usize, part: usize) -> impl Fn(usize, usize) -> T + Sync + 'a {
        let (row, first) = (3 * self.heads * self.width, (part * self.heads + head) * self.width);
        move |token, i| sample[token * row + first + i]
    }

    /// The queries from `first` on, as rows; no more than `ROWS`.
    fn queries<'a, T: Float>(&self, sample: &'a [T], start: &'a [usize; 1], first: usize) -> Rows<'a, T> {
        let stride = 3 * self.heads * self.width;
        let count = ROWS.min(self.tokens - first);
        Rows { data: &sample[first * stride..], count, stride, starts: start, len: self.width }
    }

    /// The result, and the logarithms to keep.
    fn forward<T: Float>(&self, qkv: &[T], bias: Option<&[T]>) -> (Vec<T>, Vec<T>) {
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
                isa.run(ReadRows {
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
    fn backward<T: Float>(
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
        // Without a bias every task gets an empty slice.
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
                isa.run(GradientRows {
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

/// What a few queries of one head read.
struct ReadRows<'a, T> {
    queries: Rows<'a, T>,
    /// The keys' transpose, scaled.
    keys: &'a Panels<T>,
    values: &'a Panels<T>,
    bias: Option<&'a [T]>,
    scores: &'a mut [T],
    logs: &'a mut [T],
    out: &'a mut [T],
}

impl<T: Float> Kernel<T> for ReadRows<'_, T> {
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
        Multiply { rows: Rows::plain(scores, n), panels: values, start: Start::Zero, out, out_stride: d }.run::<V>();
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
    Multiply { rows: queries, panels: keys, start: Start::Zero, out: scores, out_stride: n }.run::<V>();
    if let Some(bias) = bias {
        for (score, bias) in scores.iter_mut().zip(bias) {
            *score += *bias;
        }
    }
}

/// What the gradient of a few queries' results gives.
struct GradientRows<'a, T> {
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

impl<T: Float> Kernel<T> for GradientRows<'_, T> {
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
                // Round-off may leave a tiny positive number.
                let below = *score - log;
                *score = (if below > T::zero() { T::zero() } else { below }).exp_of_negative(V::FUSED);
            }
        }
        AddOuter { a: Rows::plain(scores, n), b: gradient, sums: dv }.run::<V>();
        let rows = Rows::plain(gradient, d);
        Multiply { rows, panels: values, start: Start::Zero, out: dscores, out_stride: n }.run::<V>();
        for ((dscores, scores), &along) in dscores.chunks_exact_mut(n).zip(scores.chunks_exact(n)).zip(along) {
            for (dscore, score) in dscores.iter_mut().zip(scores) {
                *dscore = *score * (*dscore - along);
            }
        }
        let rows = Rows::plain(dscores, n);
        Multiply { rows, panels: keys_back, start: Start::Zero, out: dq, out_stride: d }.run::<V>();
        AddOuter { a: rows, b: query, sums: dk }.run::<V>();
    }
}

impl CustomOp2 for Attention {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        qkv: &CpuStorage,
        qkv_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, qkv.dtype(), T => {
            let qkv = slice::<T>(OP, qkv, qkv_layout)?;
            let bias = slice(OP, bias, bias_layout)?;
            let (y, logs) = self.forward(qkv, (!bias.is_empty()).then_some(bias));
            self.logs.get_or_init(|| T::to_cpu_storage_owned(logs));
            let width = self.heads * self.width;
            Ok((T::to_cpu_storage_owned(y), Shape::from((qkv.len() / (3 * self.tokens * width), self.tokens, width))))
        })
    }

    fn bwd(&self, qkv: &Tensor, bias: &Tensor, y: &Tensor, dy: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let Some(logs) = self.logs.get() else { bail!("{OP}: the backward pass came before the forward pass") };
        by_dtype!(OP, qkv.dtype(), T => {
            let logs = T::cpu_storage_as_slice(logs)?;
            let (dqkv, dbias) = with_slice::<T, _>(OP, qkv, |qkv| {
                with_slice(OP, bias, |bias| {
                    with_slice(OP, y, |y| {
                        let bias = (!bias.is_empty()).then_some(bias);
                        with_slice(OP, dy, |dy| Ok(self.backward(qkv, bias, logs, y, dy)))
                    })
                })
            })?;
            let device = qkv.device();
            Ok((
                Some(Tensor::from_vec(dqkv, qkv.shape(), device)?),
                dbias.map(|dbias| Tensor::from_vec(dbias, bias.shape(), device)).transpose()?,
            ))
        })
    }
}
