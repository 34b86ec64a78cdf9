//! The transformer of encoder and decoder: pre-norm blocks and a final norm, initialised as VideoMAE's.

use physrep_plugin_api::{
    candle_core::{Result, Tensor, bail},
    nn::{Init, LayerNorm, Params, TransformerBlock},
};
use serde::{Deserialize, Serialize};

/// The epsilon of all norms, as in VideoMAE.
const EPS: f64 = 1e-6;
/// The standard deviation of the weights that [`TransformerBlock`] draws.
const DRAWN: f64 = 0.02;

/// The size of a transformer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Channels of a token.
    pub dim: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Attention heads; they divide `dim`.
    pub heads: usize,
}

impl Shape {
    /// Refuses invalid sizes; `whose` begins the message, such as "the encoder's".
    pub fn check(self, whose: &str) -> Result<()> {
        let Self { dim, depth, heads } = self;
        if dim == 0 || depth == 0 || heads == 0 {
            bail!("{whose} `dim` (={dim}), `depth` (={depth}) and `heads` (={heads}) must be 1 or more");
        }
        if !dim.is_multiple_of(heads) {
            bail!("{whose} `dim` (={dim}) must be a multiple of its `heads` (={heads})");
        }
        Ok(())
    }
}

/// Pre-norm transformer blocks and a final norm.
///
/// Parameters: `blocks.I` and `norm`.
pub struct Transformer {
    blocks: Vec<TransformerBlock>,
    norm: LayerNorm,
}

impl Transformer {
    /// A transformer of that shape.
    pub fn new(shape: Shape, params: Params) -> Result<Self> {
        let Shape { dim, depth, heads } = shape;
        let inside = params.pp("blocks");
        let blocks =
            (0..depth).map(|i| TransformerBlock::new(dim, heads, EPS, inside.pp(i))).collect::<Result<Vec<_>>>()?;
        for (_, var) in inside.named() {
            if let &[outputs, inputs] = var.dims() {
                var.set(&(var.as_tensor() * (xavier(inputs, outputs) / DRAWN))?)?;
            }
        }
        Ok(Self { blocks, norm: LayerNorm::new(dim, EPS, params.pp("norm"))? })
    }

    /// Tokens `(B, N, D)` to the same shape.
    pub fn forward(&self, tokens: &Tensor) -> Result<Tensor> {
        let mut tokens = tokens.clone();
        for block in &self.blocks {
            tokens = block.forward(&tokens)?;
        }
        self.norm.forward(&tokens)
    }
}

/// The standard deviation of Glorot's initialisation, which VideoMAE uses for all fully connected layers.
fn xavier(inputs: usize, outputs: usize) -> f64 {
    (2.0 / (inputs + outputs) as f64).sqrt()
}

/// Glorot's initialisation of a fully connected layer's weight.
pub fn xavier_uniform(inputs: usize, outputs: usize) -> Init {
    Init::Uniform { bound: 3f64.sqrt() * xavier(inputs, outputs) }
}
