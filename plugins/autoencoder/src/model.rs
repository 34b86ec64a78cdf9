//! The network that is pretrained, and its loss.

use candle_core::{Result, Tensor};
use physrep_nn::{ConvNextDecoder, ConvNextEncoder, Params, precise};

use crate::Config;

/// Encoder and decoder.
///
/// Parameters: `encoder` and `decoder`.
pub struct Model {
    encoder: ConvNextEncoder,
    decoder: ConvNextDecoder,
}

impl Model {
    /// A network for clips of `frames` frames and `channels` channels.
    pub fn new(config: &Config, channels: usize, frames: usize, params: &Params) -> Result<Self> {
        let Config { dims, num_res_blocks, decoder_blocks, layer_scale, .. } = config;
        let (encoder, decoder) = (params.pp("encoder"), params.pp("decoder"));
        Ok(Self {
            encoder: ConvNextEncoder::new(channels, dims, num_res_blocks, frames, *layer_scale, encoder)?,
            decoder: ConvNextDecoder::new(channels, dims, decoder_blocks, frames, *layer_scale, decoder)?,
        })
    }

    /// The encoder, which is what remains after pretraining.
    pub fn encoder(&self) -> &ConvNextEncoder {
        &self.encoder
    }

    /// The mean absolute error of giving `clips (B, C, T, H, W)` back; H and W are multiples of the encoder's patch.
    pub fn loss(&self, clips: &Tensor) -> Result<Tensor> {
        let restored = self.decoder.forward(&self.encoder.forward(clips)?)?;
        let clips = clips.permute([0, 2, 3, 4, 1])?.contiguous()?;
        (precise(&restored)? - precise(&clips)?)?.abs()?.mean_all()
    }
}
