//! The network that is pretrained.

use physrep_plugin_api::candle_core::{Result, Tensor};
use physrep_plugin_api::nn::{ConvNextEncoder, MovingAverage, Params};

use crate::predictor::Predictor;

/// The parts' sizes.
#[derive(Clone, Copy, Debug)]
pub struct Sizes<'a> {
    /// Channels of the clips.
    pub in_channels: usize,
    /// Channels of each stage of the encoder.
    pub dims: &'a [usize],
    /// Blocks of each stage.
    pub blocks: &'a [usize],
    /// Frames of a clip.
    pub frames: usize,
    /// What the scale of every residual branch starts at.
    pub layer_scale: f64,
}

/// Encoder and predictor, trained together: the predictor is to guess, from the embedding of a clip, the embedding of the
/// clip that follows it. The latter is the encoder's own, with gradients through both, or that of a teacher, a moving
/// average of the encoder.
///
/// Parameters: `encoder` and `predictor`, and `teacher`, which is not trained.
pub struct Model {
    encoder: ConvNextEncoder,
    predictor: Predictor,
    teacher: Option<(ConvNextEncoder, MovingAverage)>,
}

impl Model {
    /// The networks; see [`ConvNextEncoder::new`].
    pub fn new(sizes: Sizes<'_>, with_teacher: bool, params: &Params) -> Result<Self> {
        let Sizes { in_channels, dims, blocks, frames, layer_scale } = sizes;
        let new_encoder = |params| ConvNextEncoder::new(in_channels, dims, blocks, frames, layer_scale, params);
        let encoder = new_encoder(params.pp("encoder"))?;
        let predictor = Predictor::new(dims[dims.len() - 1], layer_scale, params.pp("predictor"))?;
        let teacher = match with_teacher {
            false => None,
            true => {
                let own = params.pp("teacher").untrained();
                let teacher = new_encoder(own.clone())?;
                Some((teacher, MovingAverage::new(&params.pp("encoder"), &own)?))
            }
        };
        Ok(Self { encoder, predictor, teacher })
    }

    /// The encoder, which is what remains after pretraining.
    pub fn encoder(&self) -> &ConvNextEncoder {
        &self.encoder
    }

    /// What the predictor makes of `context`, and the embedding of `target`, both clips `(B, C, T, H, W)`: a row for each
    /// position of the embeddings, `(B H/P W/P, D)`.
    pub fn forward(&self, context: &Tensor, target: &Tensor) -> Result<[Tensor; 2]> {
        self.forward_both(&Tensor::cat(&[context, target], 0)?)
    }

    /// That, from the contexts and as many targets behind them, `(2 B, C, T, H, W)`.
    pub fn forward_both(&self, clips: &Tensor) -> Result<[Tensor; 2]> {
        let batch = clips.dims()[0] / 2;
        let halves = |both: &Tensor| Result::Ok((both.narrow(0, 0, batch)?, both.narrow(0, batch, batch)?));
        let (context, target) = match &self.teacher {
            Some((teacher, _)) => {
                let (context, target) = halves(clips)?;
                (self.encoder.forward(&context)?, teacher.forward(&target)?.detach())
            }
            None => halves(&self.encoder.forward(clips)?)?,
        };
        let dim = target.dims()[3];
        Ok([self.predictor.forward(&context)?.reshape(((), dim))?, target.reshape(((), dim))?])
    }

    /// Lets the teacher, if there is one, follow the encoder, keeping `decay` of itself.
    pub fn follow(&self, decay: f64) -> Result<()> {
        self.teacher.as_ref().map_or(Ok(()), |(_, average)| average.update(decay))
    }
}
