//! The decoder of the code of arXiv:2603.13227: from the map that its encoder ends in back to a clip.

use candle_core::{Result, Tensor, bail};

use super::ConvNextStage;
use super::encoder::halvings;
use crate::conv::transposed::TransposedConv;
use crate::linear::Linear;
use crate::norm::LayerNorm;
use crate::params::Params;

const EPS: f64 = 1e-6;

/// Stages of ConvNeXt blocks in space and time, from one frame of few positions on; behind each, the resolution doubles
/// along the axes that the encoder halved there.
///
/// Parameters: `res_blocks.I.J`, `upsample_layers.I.{0,1}` and `final_conv`.
pub struct ConvNextDecoder {
    dim: usize,
    stages: Vec<(ConvNextStage, LayerNorm, TransposedConv)>,
    last: Linear,
}

impl ConvNextDecoder {
    /// A decoder to clips of `frames` frames and `out_channels` channels from what
    /// [`ConvNextEncoder`](super::encoder::ConvNextEncoder) makes of them with the same `dims`; its stage I has `blocks[I]`
    /// blocks, whose `gamma` starts at `layer_scale`, and as many channels as the encoder's stage of that number from the
    /// last one backwards.
    ///
    /// # Errors
    /// If `dims` are not one more than there are halvings for `frames`, or `blocks` not as many as these.
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
                "a ConvNeXt decoder to {frames} frames has {count} stages: expected {} dims and {count} numbers of blocks, \
                 and channels throughout; got {dims:?} and {blocks:?} to {out_channels} channels",
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
        // A convolution of one point.
        let last = Linear::new(dims[0], out_channels, params.pp("final_conv"))?;
        Ok(Self { dim: dims[count], stages, last })
    }

    /// Embeddings `(B, H, W, D)` to clips, channels-last `(B, T, P H, P W, C)` with P the encoder's patch.
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
