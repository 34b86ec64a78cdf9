//! The decoder of the code of arXiv:2603.13227: from the embedding of its encoder back to a clip.

use candle_core::{Result, Tensor, bail};

use super::convnext::ConvNextStage;
use super::convnext_encoder::halvings;
use super::layer_norm::LayerNorm;
use super::linear::Linear;
use super::transposed_conv::TransposedConv;
use crate::params::Params;

const EPS: f64 = 1e-6;

/// Stages of ConvNeXt blocks in space and time, starting from one frame; after each, the resolution doubles along the
/// axes that the encoder halves there.
///
/// Parameters: `res_blocks.I.J`, `upsample_layers.I.{0,1}` and `final_conv`.
pub struct ConvNextDecoder {
    dim: usize,
    stages: Vec<(ConvNextStage, LayerNorm, TransposedConv)>,
    last: Linear,
}

impl ConvNextDecoder {
    /// A decoder to clips of `frames` frames and `out_channels` channels, from embeddings of
    /// [`ConvNextEncoder`](crate::ConvNextEncoder) with the same `dims`. Stage I has `blocks[I]` blocks, whose `gamma`
    /// is initialised to `layer_scale`, and the channels of the encoder's I-th stage from the end.
    ///
    /// # Errors
    /// If the lengths of `dims` and `blocks` do not match the number of stages for `frames`.
    pub fn new(
        out_channels: usize,
        dims: &[usize],
        blocks: &[usize],
        frames: usize,
        layer_scale: f64,
        params: Params,
    ) -> Result<Self> {
        let halvings = halvings(frames)?;
        let count = halvings.len();
        if dims.len() != count + 1 || blocks.len() != count || dims.contains(&0) || out_channels == 0 {
            bail!(
                "a ConvNeXt decoder to {frames} frames has {count} stages: expected {} positive dims, {count} block counts and a \
                 positive number of output channels; got {dims:?}, {blocks:?} and {out_channels}",
                count + 1
            );
        }
        let (res_blocks, upsample) = (params.pp("res_blocks"), params.pp("upsample_layers"));
        let mut stages = Vec::with_capacity(count);
        for (i, &blocks) in blocks.iter().enumerate() {
            let [from, to] = [dims[count - i], dims[count - i - 1]];
            let patch = [halvings[count - i - 1], 2, 2];
            stages.push((
                ConvNextStage::new(blocks, from, &[7, 7, 7], layer_scale, res_blocks.pp(i))?,
                LayerNorm::new(from, EPS, upsample.pp(i).pp(0))?,
                TransposedConv::new(from, to, patch, upsample.pp(i).pp(1))?,
            ));
        }
        // A convolution with a kernel of one point.
        let last = Linear::new(dims[0], out_channels, params.pp("final_conv"))?;
        Ok(Self { dim: dims[count], stages, last })
    }

    /// Embeddings `(B, H, W, D)` to clips, channels-last `(B, T, P H, P W, C)`, with P the
    /// [`patch`](crate::ConvNextEncoder::patch) of the encoder.
    pub fn forward(&self, embedding: &Tensor) -> Result<Tensor> {
        if embedding.rank() != 4 || embedding.dims()[3] != self.dim {
            bail!("the ConvNeXt decoder expected embeddings (B, H, W, {}), got {:?}", self.dim, embedding.dims());
        }
        let mut x = embedding.unsqueeze(1)?;
        for (blocks, norm, grow) in &self.stages {
            x = grow.forward(&norm.forward(&blocks.forward(&x)?)?)?;
        }
        self.last.forward(&x)
    }
}
