//! JEPA of arXiv:2603.13227: a 3-D ConvNeXt encodes a clip, a predictor guesses the embedding of the clip that follows.
//!
//! The objective is VICReg between the prediction and the embedding of the target. One encoder serves both branches
//! and gradients flow through both: no moving average, no stop-gradient, no projector.

pub mod encoder;
pub mod model;
pub mod predictor;

use physrep_plugin_api::{
    About, Batch, Error, Method, Params, Result, Setup, Step, Tensor, Training, export_method,
    nn::{VicReg, VicRegConfig},
};
use serde::{Deserialize, Serialize};

use model::Model;

/// The hyper-parameters; the defaults are the paper's.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Channels of each stage of the encoder. Five stages for clips of 16 frames, four for 4.
    pub dims: Vec<usize>,
    /// Residual blocks of each stage.
    pub num_res_blocks: Vec<usize>,
    /// What the scale of every residual branch starts at. With the paper's value every block starts as the identity.
    pub layer_scale: f64,
    /// Weight of VICReg's invariance: the mean squared distance of prediction and target.
    pub sim_coeff: f64,
    /// Weight of VICReg's variance: the hinge that keeps each dimension's deviation at 1.
    pub std_coeff: f64,
    /// Weight of VICReg's covariance: the squared off-diagonal entries.
    pub cov_coeff: f64,
    /// Parts that the rows of a batch are split into; each has statistics of its own.
    pub chunks: usize,
    /// Deviation of Gaussian noise added to the normalised clips in pretraining. The paper adds noise of deviation 1 to
    /// fields that are not normalised.
    pub noise: f64,
    /// The optimizer and its schedule.
    pub training: Training,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dims: vec![16, 32, 64, 128, 128],
            num_res_blocks: vec![3, 3, 3, 9, 3],
            layer_scale: 1e-6,
            sim_coeff: 2.0,
            std_coeff: 40.0,
            cov_coeff: 2.0,
            chunks: 5,
            noise: 0.0,
            training: Training::default(),
        }
    }
}

/// The method.
pub struct Jepa {
    model: Model,
    objective: VicRegConfig,
    context_frames: usize,
    noise: f64,
}

impl Method for Jepa {
    type Config = Config;
    const ABOUT: About = About {
        name: "jepa",
        summary: "Predicts the embedding of the frames to come, kept from collapse by VICReg.",
        reference: "arXiv:2603.13227",
    };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let system = setup.single_system()?;
        if setup.steps > 0 && setup.future_frames != setup.context_frames {
            return Err(Error::Unsupported(format!(
                "jepa encodes the future with the encoder of the context: it needs as many future frames (={}) as \
                 context frames (={})",
                setup.future_frames, setup.context_frames
            )));
        }
        let channels = system.channels.len();
        let frames = setup.context_frames;
        let (dims, blocks) = (&config.dims, &config.num_res_blocks);
        let model = Model::new(channels, dims, blocks, frames, config.layer_scale, params.clone())
            .map_err(|e| Error::Config(e.to_string()))?;
        Ok(Self {
            model,
            objective: VicRegConfig {
                invariance: config.sim_coeff,
                variance: config.std_coeff,
                covariance: config.cov_coeff,
                chunks: config.chunks,
            },
            context_frames: setup.context_frames,
            noise: config.noise,
        })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        let mut clips = batch.clips.clone();
        if self.noise > 0.0 {
            let noise = step.rng("noise").normal(clips.shape(), clips.dtype(), clips.device())?;
            clips = (clips + (noise * self.noise)?)?;
        }
        let context = clips.narrow(2, 0, self.context_frames)?;
        let target = clips.narrow(2, self.context_frames, self.context_frames)?;
        let rows = self.model.rows(clips.dim(0)?, clips.dim(3)?, clips.dim(4)?);
        let order = step.rng("vicreg").permutation(rows);
        let VicReg { total, invariance, variance, covariance } =
            self.model.loss(&context, &target, &order, &self.objective)?;
        step.metric("invariance", &invariance)?;
        step.metric("variance", &(&variance[0] + &variance[1])?)?;
        step.metric("covariance", &(&covariance[0] + &covariance[1])?)?;
        Ok(total)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.model.encoder().forward(&batch.clips)?.flatten(1, 2)?)
    }
}

export_method!(Jepa);
