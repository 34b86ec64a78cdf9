//! Attention of fixed queries over the tokens of each sample.

use rayon::prelude::*;

use super::matmul::{AddOuter, Multiply, Panels, Rows, Start};
use super::reduce::{add_in_order, row_max, row_sum};
use super::simd::{Float, Isa, Kernel, Vector};
use super::zeros::zeros;

/// The shape of a pool.
#[derive(Clone, Copy)]
pub(crate) struct Pool {
    pub(crate) heads: usize,
    pub(crate) tokens: usize,
    pub(crate) dim: usize,
}

impl Pool {
    /// The means `(B, H, D)` and the softmax `(B, N, H)`, from queries `(H, D)` and tokens `(B, N, D)`.
    pub(crate) fn forward<T: Float>(&self, queries: &[T], tokens: &[T]) -> (Vec<T>, Vec<T>) {
        let isa = Isa::best();
        let &Self { heads, dim, .. } = self;
        let queries = &Panels::new(isa, dim, heads, |i, head| queries[head * dim + i]);
        let mut means = zeros(tokens.len() / self.tokens * heads);
        let mut weights = zeros(tokens.len() / dim * heads);
        let of_samples = means.par_chunks_mut(heads * dim).zip(weights.par_chunks_mut(self.tokens * heads));
        of_samples.zip(tokens.par_chunks(self.tokens * dim)).for_each(|((means, weights), tokens)| {
            isa.run(Forward { queries, tokens, dim, weights, means });
        });
        (means, weights)
    }

    /// The gradients of the queries and, if wanted, of the tokens, from the gradient of the means.
    pub(crate) fn backward<T: Float>(
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
        // If they are not wanted, every sample gets an empty slice.
        let mut of_samples: Vec<&mut [T]> = dtokens.chunks_mut(of_sample).collect();
        of_samples.resize_with(tokens.len() / of_sample, || &mut []);
        dqueries.par_chunks_mut(heads * dim).zip(of_samples).enumerate().for_each(|(sample, (dqueries, dtokens))| {
            let tokens = &tokens[sample * of_sample..][..of_sample];
            let weights = &weights[sample * self.tokens * heads..][..self.tokens * heads];
            let dmeans = &dmeans[sample * heads * dim..][..heads * dim];
            let columns = &Panels::new(isa, dim, heads, |i, head| dmeans[head * dim + i]);
            let mut dscores = vec![T::zero(); weights.len()];
            isa.run(Backward { tokens, dim, weights, dmeans: columns, dscores: &mut dscores, dqueries });
            if !dtokens.is_empty() {
                // Through the scores, which are products with the queries, and through the weighted means.
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

/// The means of one sample's tokens, for all queries.
struct Forward<'a, T> {
    /// The queries' transpose.
    queries: &'a Panels<T>,
    tokens: &'a [T],
    dim: usize,
    weights: &'a mut [T],
    /// Zeros, to be added to.
    means: &'a mut [T],
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { queries, tokens, dim, weights, means } = self;
        let heads = means.len() / dim;
        let rows = Rows::plain(tokens, dim);
        V::call(Multiply { rows, panels: queries, start: Start::Zero, out: weights, out_stride: heads });
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
        V::call(AddOuter { a: Rows::plain(weights, heads), b: tokens, sums: means });
    }
}

/// The gradients of one sample's scores and of the queries.
struct Backward<'a, T> {
    tokens: &'a [T],
    dim: usize,
    weights: &'a [T],
    /// The transpose of the gradient of the means.
    dmeans: &'a Panels<T>,
    dscores: &'a mut [T],
    /// Zeros, to be added to.
    dqueries: &'a mut [T],
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { tokens, dim, weights, dmeans, dscores, dqueries } = self;
        let heads = dqueries.len() / dim;
        let rows = Rows::plain(tokens, dim);
        V::call(Multiply { rows, panels: dmeans, start: Start::Zero, out: dscores, out_stride: heads });
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
        V::call(AddOuter { a: Rows::plain(dscores, heads), b: tokens, sums: dqueries });
    }
}
