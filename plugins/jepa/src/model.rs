//! The network that is pretrained, and its loss.

use candle_core::{Result, Tensor};
use physrep_nn::{Params, VicReg, VicRegConfig, vicreg};

use crate::encoder::Encoder;
use crate::predictor::Predictor;

/// Encoder and predictor, trained together: the predictor is to guess, from the embedding of a
/// clip, the embedding of the clip that follows it. Both clips go through the same encoder, and
/// gradients through both; VICReg keeps the embeddings from collapsing.
///
/// Parameters: `encoder` and `predictor`.
pub struct Model {
    encoder: Encoder,
    predictor: Predictor,
}

impl Model {
    /// A network for clips of `frames` frames and `in_channels` channels; see [`Encoder::new`].
    pub fn new(
        in_channels: usize,
        dims: &[usize],
        blocks: &[usize],
        frames: usize,
        layer_scale: f64,
        params: Params,
    ) -> Result<Self> {
        let encoder = Encoder::new(in_channels, dims, blocks, frames, layer_scale, params.pp("encoder"))?;
        let dim = dims[dims.len() - 1];
        let predictor = Predictor::new(dim, layer_scale, params.pp("predictor"))?;
        Ok(Self { encoder, predictor })
    }

    /// The encoder, which is what remains after pretraining.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// How many rows [`loss`](Self::loss) permutes for `batch` clips of height `height` and width
    /// `width`: one for each position of the embeddings.
    pub fn rows(&self, batch: usize, height: usize, width: usize) -> usize {
        batch * (height / self.encoder.patch()) * (width / self.encoder.patch())
    }

    /// The loss of predicting the embedding of `target` from that of `context`, both
    /// `(B, C, T, H, W)`. VICReg's x is the prediction, its y the target's embedding, and
    /// `permutation` the order in which their rows are cut into chunks.
    pub fn loss(
        &self,
        context: &Tensor,
        target: &Tensor,
        permutation: &[u32],
        config: &VicRegConfig,
    ) -> Result<VicReg> {
        let batch = context.dims()[0];
        let both = self.encoder.forward(&Tensor::cat(&[context, target], 0)?)?;
        let prediction = self.predictor.forward(&both.narrow(0, 0, batch)?)?;
        let target = both.narrow(0, batch, both.dims()[0] - batch)?;
        let dim = target.dims()[3];
        vicreg(&prediction.reshape(((), dim))?, &target.reshape(((), dim))?, permutation, config)
    }
}
