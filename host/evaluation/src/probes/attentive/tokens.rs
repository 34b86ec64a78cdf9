//! Batches of normalised tokens, as the head expects them.

use candle_core::{DType, Device, Result, Tensor};
use physrep_nn::layer_norm;
use rayon::prelude::*;

use crate::labelled::Embeddings;

/// Added to the variance in both layer norms of the head.
pub(in crate::probes) const EPSILON: f64 = 1e-5;

/// The tokens of one split. The normalisation in the first layer norm, before its scale and shift, is the same in every epoch, so
/// each token's mean and standard deviation are computed once.
pub struct Tokens<'a> {
    embeddings: &'a Embeddings,
    /// Mean and reciprocal standard deviation of each token, `(N, tokens)`.
    moments: Vec<[f32; 2]>,
}

impl<'a> Tokens<'a> {
    /// Computes the mean and the standard deviation of each token.
    pub fn new(embeddings: &'a Embeddings) -> Self {
        let moments = embeddings.values.par_chunks_exact(embeddings.dim).map(moments).collect();
        Self { embeddings, moments }
    }

    /// The tokens of some windows, `(windows, tokens, dim)`, each with mean zero and variance one.
    ///
    /// # Errors
    /// If the device is out of memory.
    pub fn batch(&self, windows: &[u32], device: &Device) -> Result<Tensor> {
        let Embeddings { tokens, dim, .. } = *self.embeddings;
        let mut values = vec![0.0; windows.len() * tokens * dim];
        values.par_chunks_mut(dim).enumerate().for_each(|(i, normalised)| {
            let token = windows[i / tokens] as usize * tokens + i % tokens;
            let [mean, inverse_std] = self.moments[token];
            for (normalised, value) in normalised.iter_mut().zip(&self.embeddings.values[token * dim..]) {
                *normalised = (value - mean) * inverse_std;
            }
        });
        Tensor::from_vec(values, (windows.len(), tokens, dim), device)
    }
}

fn moments(token: &[f32]) -> [f32; 2] {
    let count = token.len() as f64;
    let mean = token.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let variance = token.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
    [mean as f32, (variance + EPSILON).sqrt().recip() as f32]
}

/// Normalises each of the tokens `(B, T, D)` to mean zero and variance one; differentiable.
///
/// # Errors
/// If the tokens are not `f32`.
pub fn normalise_tokens(tokens: &Tensor) -> Result<Tensor> {
    let (dim, device) = (tokens.dim(2)?, tokens.device());
    let (one, zero) = (Tensor::ones(dim, DType::F32, device)?, Tensor::zeros(dim, DType::F32, device)?);
    layer_norm(tokens, &one, &zero, EPSILON)
}
