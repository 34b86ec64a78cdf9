//! The networks and the loss.

use physrep_plugin_api::{
    Params,
    candle_core::{Result, Tensor},
    nn::{ConvNextDecoder, ConvNextEncoder, precise},
};

use crate::config::Config;

/// Encoder and decoder.
///
/// Parameters: `encoder` and `decoder`.
pub struct Model {
    encoder: ConvNextEncoder,
    decoder: ConvNextDecoder,
}

impl Model {
    /// The networks for clips of `channels` channels and `frames` frames.
    ///
    /// # Errors
    /// If the sizes do not fit each other or the frames.
    pub fn new(config: &Config, channels: usize, frames: usize, params: &Params) -> Result<Self> {
        let Config { dims, num_res_blocks, decoder_blocks, layer_scale, .. } = config;
        let (encoder, decoder) = (params.pp("encoder"), params.pp("decoder"));
        Ok(Self {
            encoder: ConvNextEncoder::new(channels, dims, num_res_blocks, frames, *layer_scale, encoder)?,
            decoder: ConvNextDecoder::new(channels, dims, decoder_blocks, frames, *layer_scale, decoder)?,
        })
    }

    /// Grid points along the side of the area that one position of the feature map covers.
    pub fn patch(&self) -> usize {
        self.encoder.patch()
    }

    /// Clips `(B, C, T, H, W)` to one feature map each, `(B, H/P, W/P, D)`.
    pub fn encode(&self, clips: &Tensor) -> Result<Tensor> {
        self.encoder.forward(clips)
    }

    /// The mean absolute error of reconstructing `clips (B, C, T, H, W)`; H and W are multiples of the patch.
    pub fn loss(&self, clips: &Tensor) -> Result<Tensor> {
        let reconstruction = self.decoder.forward(&self.encode(clips)?)?;
        let clips = clips.permute([0, 2, 3, 4, 1])?.contiguous()?;
        (precise(&reconstruction)? - precise(&clips)?)?.abs()?.mean_all()
    }
}
