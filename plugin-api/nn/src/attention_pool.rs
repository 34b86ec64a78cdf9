//! Attention of learned queries that are the same for every sample: what a pooling head reads from its tokens.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::attention::softmax;
use crate::cpu::{by_dtype, slice, with_slice};
use crate::float::Float;
use crate::matmul::{AddOuter, Multiply, Panels, Rows, Start};
use crate::memory::zeros;
use crate::precision::precise;
use crate::reduce::{add_in_order, row_max, row_sum};
use crate::simd::{Isa, Kernel, Vector};

const OP: &str = "attention_pool";

/// `softmax_t(q_h . x_t)`-weighted means of each sample's tokens `x_t`, one for each query `q_h`; differentiable in both
/// tensors.
///
/// `queries (H, D)`, already scaled, and `tokens (B, N, D)` give `(B, H, D)`.
pub fn attention_pool(queries: &Tensor, tokens: &Tensor) -> Result<Tensor> {
    let ((heads, dim), (_, count, width)) = (queries.dims2()?, tokens.dims3()?);
    if width != dim || queries.elem_count() == 0 || tokens.elem_count() == 0 {
        bail!("{OP}: expected queries (H, D) and tokens (B, N, D), got {:?} and {:?}", queries.dims(), tokens.dims());
    }
    for _ in ["scores", "means"] {
        crate::flops::entered(tokens.elem_count() * heads, [queries, tokens]);
    }
    if !tokens.device().is_cpu() {
        // In f32: means of bf16 weights, and gradients that sum over all tokens of a batch, would lose a digit.
        let (queries, all) = (precise(queries)?, precise(tokens)?);
        let weights = softmax(&all.broadcast_matmul(&queries.t()?)?.transpose(1, 2)?.contiguous()?)?;
        return weights.matmul(&all)?.to_dtype(tokens.dtype());
    }
    let pool = Pool { heads, tokens: count, dim, weights: OnceLock::new() };
    queries.contiguous()?.apply_op2(&tokens.contiguous()?, pool)
}

struct Pool {
    heads: usize,
    tokens: usize,
    dim: usize,
    /// The softmax, `(B, N, H)`.
    weights: OnceLock<CpuStorage>,
}

impl Pool {
    /// The means `(B, H, D)` and the softmax `(B, N, H)`.
    fn forward<T: Float>(&self, queries: &[T], tokens: &[T]) -> (Vec<T>, Vec<T>) {
        let isa = Isa::best();
        let &Self { heads, dim, .. } = self;
        let queries = &Panels::new(isa, dim, heads, |i, head| queries[head * dim + i]);
        let mut means = zeros(tokens.len() / self.tokens * heads);
        let mut weights = zeros(tokens.len() / dim * heads);
        let of_samples = means.par_chunks_mut(heads * dim).zip(weights.par_chunks_mut(self.tokens * heads));
        of_samples.zip(tokens.par_chunks(self.tokens * dim)).for_each(|((means, weights), tokens)| {
            isa.run(Read { queries, tokens, dim, weights, means });
        });
        (means, weights)
    }

    /// The gradients of queries and, if wanted, tokens.
    fn backward<T: Float>(
        &self,
        queries: &[T],
        tokens: &[T],
        weights: &[T],
        dmeans: &[T],
        want_dtokens: bool,
    ) -> (Vec<T>, Option<Vec<T>>) {
        let isa = Isa::best();
        let &Self { heads, dim, .. } = self;
        let of_sample = self.tokens * dim;
        let mut dqueries = zeros(dmeans.len());
        let mut dtokens = zeros(if want_dtokens { tokens.len() } else { 0 });
        // Where they are not wanted every sample gets an empty slice.
        let mut of_samples: Vec<&mut [T]> = dtokens.chunks_mut(of_sample).collect();
        of_samples.resize_with(tokens.len() / of_sample, || &mut []);
        dqueries.par_chunks_mut(heads * dim).zip(of_samples).enumerate().for_each(|(sample, (dqueries, dtokens))| {
            let tokens = &tokens[sample * of_sample..][..of_sample];
            let weights = &weights[sample * self.tokens * heads..][..self.tokens * heads];
            let dmeans = &dmeans[sample * heads * dim..][..heads * dim];
            let columns = &Panels::new(isa, dim, heads, |i, head| dmeans[head * dim + i]);
            let mut dscores = vec![T::zero(); weights.len()];
            isa.run(Gradient { tokens, dim, weights, dmeans: columns, dscores: &mut dscores, dqueries });
            if !dtokens.is_empty() {
                // A token stands in its scores, times the queries, and in the means, times the weights.
                let (scores, means) = (dscores.chunks_exact(heads), weights.chunks_exact(heads));
                let both: Vec<T> = scores.zip(means).flat_map(|(s, m)| [s, m].concat()).collect();
                let panels = Panels::new(isa, 2 * heads, dim, |row, i| match row.checked_sub(heads) {
                    None => queries[row * dim + i],
                    Some(head) => dmeans[head * dim + i],
                });
                let rows = Rows::plain(&both, 2 * heads);
                isa.run(Multiply { rows, panels: &panels, start: Start::Zero, out: dtokens, out_stride: dim });
            }
        });
        (add_in_order(&dqueries, heads * dim), want_dtokens.then_some(dtokens))
    }
}

/// What all queries read from one sample's tokens.
struct Read<'a, T> {
    /// The queries' transpose.
    queries: &'a Panels<T>,
    tokens: &'a [T],
    dim: usize,
    weights: &'a mut [T],
    /// Zeros, to be added to.
    means: &'a mut [T],
}

impl<T: Float> Kernel<T> for Read<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { queries, tokens, dim, weights, means } = self;
        let heads = means.len() / dim;
        let rows = Rows::plain(tokens, dim);
        Multiply { rows, panels: queries, start: Start::Zero, out: weights, out_stride: heads }.run::<V>();
        let mut scores = vec![T::zero(); weights.len() / heads];
        for head in 0..heads {
            for (score, row) in scores.iter_mut().zip(weights.chunks_exact(heads)) {
                *score = row[head];
            }
            let largest = row_max(&scores);
            for score in &mut scores {
                *score = (*score - largest).exp_of_negative(V::FUSED);
            }
            let scale = T::one() / row_sum(scores.len(), |i| scores[i]);
            for (row, score) in weights.chunks_exact_mut(heads).zip(&scores) {
                row[head] = *score * scale;
            }
        }
        AddOuter { a: Rows::plain(weights, heads), b: tokens, sums: means }.run::<V>();
    }
}

/// The gradient of one sample's scores, and what it gives for the queries.
struct Gradient<'a, T> {
    tokens: &'a [T],
    dim: usize,
    weights: &'a [T],
    /// The transpose of the gradient of the means.
    dmeans: &'a Panels<T>,
    dscores: &'a mut [T],
    /// Zeros, to be added to.
    dqueries: &'a mut [T],
}

impl<T: Float> Kernel<T> for Gradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { tokens, dim, weights, dmeans, dscores, dqueries } = self;
        let heads = dqueries.len() / dim;
        let rows = Rows::plain(tokens, dim);
        Multiply { rows, panels: dmeans, start: Start::Zero, out: dscores, out_stride: heads }.run::<V>();
        // Weights and their gradients, multiplied and summed over the tokens.
        let mut along = vec![T::zero(); heads];
        for (dweights, weights) in dscores.chunks_exact(heads).zip(weights.chunks_exact(heads)) {
            for ((along, dweight), weight) in along.iter_mut().zip(dweights).zip(weights) {
                *along += *dweight * *weight;
            }
        }
        for (dscores, weights) in dscores.chunks_exact_mut(heads).zip(weights.chunks_exact(heads)) {
            for ((dscore, weight), along) in dscores.iter_mut().zip(weights).zip(&along) {
                *dscore = *weight * (*dscore - *along);
            }
        }
        AddOuter { a: Rows::plain(dscores, heads), b: tokens, sums: dqueries }.run::<V>();
    }
}

impl CustomOp2 for Pool {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        queries: &CpuStorage,
        queries_layout: &Layout,
        tokens: &CpuStorage,
        tokens_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, tokens.dtype(), T => {
            let tokens = slice::<T>(OP, tokens, tokens_layout)?;
            let (means, weights) = self.forward(slice(OP, queries, queries_layout)?, tokens);
            self.weights.get_or_init(|| T::to_cpu_storage_owned(weights));
            let batch = tokens.len() / (self.tokens * self.dim);
            Ok((T::to_cpu_storage_owned(means), Shape::from((batch, self.heads, self.dim))))
        })
    }

    fn bwd(
        &self,
        queries: &Tensor,
        tokens: &Tensor,
        _means: &Tensor,
        dmeans: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let Some(weights) = self.weights.get() else { bail!("{OP}: the backward pass came before the forward pass") };
        by_dtype!(OP, tokens.dtype(), T => {
            let weights = T::cpu_storage_as_slice(weights)?;
            let (dqueries, dtokens) = with_slice::<T, _>(OP, queries, |queries| {
                with_slice(OP, tokens, |xs| {
                    with_slice(OP, dmeans, |dmeans| Ok(self.backward(queries, xs, weights, dmeans, tokens.track_op())))
                })
            })?;
            let device = tokens.device();
            Ok((
                Some(Tensor::from_vec(dqueries, queries.shape(), device)?),
                dtokens.map(|dtokens| Tensor::from_vec(dtokens, tokens.shape(), device)).transpose()?,
            ))
        })
    }
}
