//! The attentive classifier: a learned query that attends to the tokens, and a linear map to the parameters.
//!
//! With tokens `n_t` normalised to mean zero and variance one, `x_t = gamma n_t + beta` (the first
//! layer norm) and `q = W_q query + b_q`, the paper's cross attention is, for each head of width
//! `d`,
//!
//! ```text
//! out = sum_t softmax_t(q . (W_k x_t + b_k) / sqrt(d)) (W_v x_t + b_v).
//! ```
//!
//! The query is the same for every window, so the head computes
//!
//! ```text
//! out = W_v (gamma z) + W_v beta + b_v,
//! z = sum_t softmax_t(a . n_t) n_t,    a = gamma (W_k' q) / sqrt(d),
//! ```
//!
//! where `b_k`, and `beta` in the keys, drop out because they shift the attention scores of all tokens equally. No token is
//! multiplied by a weight matrix: two products with one column per head remain for each token.

use candle_core::{Result, Tensor};
use physrep_nn::{Init, LayerNorm, Linear, Params, add_bias, attention_pool, gelu};

use super::tokens::{EPSILON, Tokens};
use crate::probes::training;

/// The largest number of attention heads.
const HEADS: usize = 8;

/// Width of the MLP's hidden layer per dimension of a token.
const MLP_RATIO: usize = 4;

/// Standard deviation of the pooler's initial weights.
const INITIAL_STD: f64 = 0.02;

/// The largest number of heads, at most eight, that divides `dim`.
pub(crate) fn heads(dim: usize) -> usize {
    (1..=HEADS).rev().find(|&heads| dim.is_multiple_of(heads)).unwrap_or(1)
}

/// The network. Its parameters are named as in the paper's state dict, `pooler.query_tokens` to
/// `linear.bias`.
pub struct AttentiveHead {
    heads: usize,
    /// `(1, 1, D)`.
    query: Tensor,
    /// Scale and shift of the layer norm of tokens, `(D)`.
    norm1: [Tensor; 2],
    q: Linear,
    /// Weight `(2 D, D)` and bias `(2 D)` of keys and values, keys first.
    kv: [Tensor; 2],
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    linear: Linear,
}

impl AttentiveHead {
    /// A head that maps tokens of `dim` dimensions to `outputs` labels, initialised as in the paper.
    ///
    /// # Errors
    /// If `params` already holds parameters of these names.
    pub fn new(dim: usize, outputs: usize, params: &Params) -> Result<Self> {
        let (weight, bias) = (Init::TruncNormal { std: INITIAL_STD }, Init::Const(0.0));
        // Layers that add to the residual stream are scaled down, as in deep transformers.
        let residual = Init::TruncNormal { std: INITIAL_STD / 2f64.sqrt() };
        let pooler = params.pp("pooler");
        let block = pooler.pp("cross_attention_block");
        let (norm1, xattn, mlp) = (block.pp("norm1"), block.pp("xattn"), block.pp("mlp"));
        let kv = xattn.pp("kv");
        let hidden = MLP_RATIO * dim;
        Ok(Self {
            heads: heads(dim),
            query: pooler.get((1, 1, dim), "query_tokens", weight)?,
            norm1: [norm1.get(dim, "weight", Init::Const(1.0))?, norm1.get(dim, "bias", bias)?],
            q: Linear::with_init(dim, dim, weight, bias, xattn.pp("q"))?,
            kv: [kv.get((2 * dim, dim), "weight", weight)?, kv.get(2 * dim, "bias", bias)?],
            norm2: LayerNorm::new(dim, EPSILON, block.pp("norm2"))?,
            fc1: Linear::with_init(dim, hidden, weight, bias, mlp.pp("fc1"))?,
            fc2: Linear::with_init(hidden, dim, residual, bias, mlp.pp("fc2"))?,
            linear: Linear::new(dim, outputs, params.pp("linear"))?,
        })
    }

    /// Tokens `(B, T, D)`, each normalised to mean zero and variance one, to labels `(B, P)`.
    ///
    /// # Errors
    /// If the tokens have other dimensions, another type or another device than the head.
    pub fn forward(&self, normalised: &Tensor) -> Result<Tensor> {
        let query = self.query.flatten_all()?;
        let attended = self.attend(&query, normalised)?;
        let pooled = add_bias(&attended, &query)?;
        let hidden = gelu(&self.fc1.forward(&self.norm2.forward(&pooled)?)?)?;
        self.linear.forward(&(pooled + self.fc2.forward(&hidden)?)?)
    }

    /// The labels `(N, P)` that the head predicts for the first `n` windows.
    ///
    /// # Errors
    /// If the tokens have other dimensions than the head.
    pub fn predict(&self, tokens: &Tokens, n: usize) -> crate::Result<Vec<f32>> {
        training::predict(&|tokens| Ok(self.forward(tokens)?), tokens, n)
    }

    /// The cross attention of the module documentation: query `(D)` and tokens `(B, T, D)` to `(B, D)`.
    fn attend(&self, query: &Tensor, normalised: &Tensor) -> Result<Tensor> {
        let (batch, _, dim) = normalised.dims3()?;
        let (heads, width) = (self.heads, dim / self.heads);
        let [gamma, beta] = &self.norm1;
        let [weight, bias] = &self.kv;
        let (keys, values) = (weight.narrow(0, 0, dim)?, weight.narrow(0, dim, dim)?);

        let q = (self.q.forward(query)? * (width as f64).powf(-0.5))?.reshape((heads, 1, width))?;
        let a = q.matmul(&keys.reshape((heads, width, dim))?)?.reshape((heads, dim))?.broadcast_mul(gamma)?;
        let z = attention_pool(&a, normalised)?.transpose(0, 1)?.contiguous()?;

        let scaled = values.broadcast_mul(gamma)?.reshape((heads, width, dim))?;
        let attended = z.matmul(&scaled.t()?)?;
        let shift = values.matmul(&beta.unsqueeze(1)?)?.squeeze(1)?;
        add_bias(&attended.transpose(0, 1)?.reshape((batch, dim))?, &(shift + bias.narrow(0, dim, dim)?)?)
    }
}
