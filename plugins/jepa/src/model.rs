//! The networks: an encoder and a predictor, which are trained together, and for the target `ema` a teacher.

use physrep_plugin_api::{
    Params,
    candle_core::{Result, Tensor},
    nn::{ConvNextEncoder, MovingAverage},
};

use crate::{
    config::{Config, Target},
    predictor::Predictor,
};

/// Encoder, predictor and, if the configuration asks for one, a teacher: a moving average of the encoder.
///
/// Parameters: `encoder`, `predictor` and, untrained, `teacher`.
pub struct Model {
    encoder: ConvNextEncoder,
    predictor: Predictor,
    teacher: Option<Teacher>,
}

struct Teacher {
    encoder: ConvNextEncoder,
    average: MovingAverage,
}

impl Model {
    /// The networks for clips of `channels` channels and `frames` frames.
    ///
    /// # Errors
    /// If the sizes do not fit each other or the frames; see [`ConvNextEncoder::new`].
    pub fn new(config: &Config, channels: usize, frames: usize, params: &Params) -> Result<Self> {
        let Config { dims, num_res_blocks, layer_scale, .. } = config;
        let new_encoder = |params| ConvNextEncoder::new(channels, dims, num_res_blocks, frames, *layer_scale, params);
        let encoder = new_encoder(params.pp("encoder"))?;
        let predictor = Predictor::new(dims[dims.len() - 1], *layer_scale, params.pp("predictor"))?;
        let teacher = match config.target {
            Target::Shared => None,
            Target::Ema => {
                let own = params.pp("teacher").untrained();
                let encoder = new_encoder(own.clone())?;
                Some(Teacher { encoder, average: MovingAverage::new(&params.pp("encoder"), &own)? })
            }
        };
        Ok(Self { encoder, predictor, teacher })
    }

    /// Clips `(B, C, T, H, W)` to one feature map each, `(B, H/P, W/P, D)`.
    pub fn encode(&self, clips: &Tensor) -> Result<Tensor> {
        self.encoder.forward(clips)
    }

    /// The predicted and the actual embeddings of the targets, for `clips (2 B, C, T, H, W)` that hold the contexts of a
    /// batch and after them its targets. One row per position of the feature maps: `(B H/P W/P, D)` each.
    pub fn predict(&self, clips: &Tensor) -> Result<[Tensor; 2]> {
        let (context, target) = match &self.teacher {
            Some(teacher) => {
                let (context, target) = halves(clips)?;
                (self.encoder.forward(&context)?, teacher.encoder.forward(&target)?.detach())
            }
            None => halves(&self.encoder.forward(clips)?)?,
        };
        let dim = target.dims()[3];
        Ok([self.predictor.forward(&context)?.reshape(((), dim))?, target.reshape(((), dim))?])
    }

    /// Moves the teacher, if there is one, towards the encoder: `decay` of itself and `1 - decay` of the encoder.
    pub fn update_teacher(&self, decay: f64) -> Result<()> {
        self.teacher.as_ref().map_or(Ok(()), |teacher| teacher.average.update(decay))
    }
}

/// The first and the second half of a batch.
fn halves(both: &Tensor) -> Result<(Tensor, Tensor)> {
    let batch = both.dims()[0] / 2;
    Ok((both.narrow(0, 0, batch)?, both.narrow(0, batch, batch)?))
}
