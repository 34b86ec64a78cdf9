//! JEPA of arXiv:2603.13227: a 3-D ConvNeXt encodes a clip, a predictor guesses the embedding of the clip that follows.
//!
//! In the paper VICReg keeps the embeddings from collapsing, and one encoder serves both branches with gradients through
//! both: no moving average, no stop-gradient, no projector. By configuration SIGReg takes VICReg's place, and a moving
//! average of the encoder embeds the target.

pub mod model;
pub mod objective;
pub mod predictor;

use physrep_plugin_api::{
    About, Batch, Error, Method, Params, Result, Setup, Step, Tensor, Training, export_method,
    nn::{VicRegConfig, swap_axes},
};
use serde::{Deserialize, Serialize};

use model::{Model, Sizes};
use objective::{Objective, Regulariser};

/// Who embeds the clip whose embedding is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The encoder itself, with gradients, as in the paper.
    Shared,
    /// A teacher that is an exponential moving average of the encoder, without gradients. Of the terms that keep
    /// embeddings from collapsing, those of the prediction remain.
    Ema,
}

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
    /// What keeps embeddings from collapsing: `vicreg` or `sigreg`.
    pub regulariser: Regulariser,
    /// Who embeds the target: `shared`, the encoder itself, or `ema`, its moving average.
    pub target: Target,
    /// What the moving average keeps of itself in an update.
    pub ema_decay: f64,
    /// Weight of the mean squared distance of prediction and target.
    pub sim_coeff: f64,
    /// Weight of VICReg's variance: the hinge that keeps each dimension's deviation at 1.
    pub std_coeff: f64,
    /// Weight of VICReg's covariance: the squared off-diagonal entries.
    pub cov_coeff: f64,
    /// Weight of SIGReg's distance from a normal distribution.
    pub bcs_coeff: f64,
    /// Random directions along which SIGReg looks.
    pub slices: usize,
    /// For VICReg, parts that the rows of a batch are split into; each has statistics of its own.
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
            regulariser: Regulariser::VicReg,
            target: Target::Shared,
            ema_decay: 0.996,
            sim_coeff: 2.0,
            std_coeff: 40.0,
            cov_coeff: 2.0,
            bcs_coeff: 40.0,
            slices: 1024,
            chunks: 5,
            noise: 0.0,
            training: Training::default(),
        }
    }
}

impl Config {
    fn objective(&self) -> Objective {
        match self.regulariser {
            Regulariser::VicReg => Objective::VicReg(VicRegConfig {
                invariance: self.sim_coeff,
                variance: self.std_coeff,
                covariance: self.cov_coeff,
                chunks: self.chunks,
            }),
            Regulariser::SigReg => {
                Objective::SigReg { invariance: self.sim_coeff, gaussianity: self.bcs_coeff, slices: self.slices }
            }
        }
    }

    /// What is wrong with the values, if anything.
    fn validate(&self) -> std::result::Result<(), String> {
        if !(0.0..=1.0).contains(&self.ema_decay) {
            return Err(format!("`ema_decay` (={}) must be between 0 and 1", self.ema_decay));
        }
        if self.slices == 0 || self.chunks == 0 {
            return Err(format!("`slices` (={}) and `chunks` (={}) must be 1 or more", self.slices, self.chunks));
        }
        let weights = [
            ("sim_coeff", self.sim_coeff),
            ("std_coeff", self.std_coeff),
            ("cov_coeff", self.cov_coeff),
            ("bcs_coeff", self.bcs_coeff),
            ("noise", self.noise),
        ];
        match weights.iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0)) {
            Some((name, value)) => Err(format!("`{name}` (={value}) must be 0 or more")),
            None => Ok(()),
        }
    }
}

/// The method.
pub struct Jepa {
    model: Model,
    objective: Objective,
    ema_decay: f64,
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
        if setup.pretrain_steps > 0 && setup.future_frames != setup.context_frames {
            return Err(Error::Unsupported(format!(
                "jepa encodes the future with the encoder of the context: it needs as many future frames (={}) as \
                 context frames (={})",
                setup.future_frames, setup.context_frames
            )));
        }
        config.validate().map_err(|why| Error::Config(format!("jepa: {why}")))?;
        let sizes = Sizes {
            in_channels: system.channels.len(),
            dims: &config.dims,
            blocks: &config.num_res_blocks,
            frames: setup.context_frames,
            layer_scale: config.layer_scale,
        };
        let model =
            Model::new(sizes, config.target == Target::Ema, params).map_err(|e| Error::Config(e.to_string()))?;
        Ok(Self { model, objective: config.objective(), ema_decay: config.ema_decay, noise: config.noise })
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
        let [prediction, target] = self.model.forward_both(&contexts_and_targets(&clips)?)?;
        let loss = self.objective.loss(&prediction, &target, &mut step.rng(self.objective.purpose()))?;
        for (name, term) in &loss.terms {
            step.metric(name, term)?;
        }
        Ok(loss.total)
    }

    fn after_update(&self, _step: &Step) -> Result<()> {
        Ok(self.model.follow(self.ema_decay)?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.model.encoder().forward(&batch.clips)?.flatten(1, 2)?)
    }
}

/// Clips `(B, C, 2 T, H, W)` as `(2 B, C, T, H, W)`: the first halves of all, then the second ones.
fn contexts_and_targets(clips: &Tensor) -> Result<Tensor> {
    let (b, c, frames, h, w) = clips.dims5()?;
    let halves = clips.reshape((1, b * c, 2, frames / 2 * h * w))?;
    Ok(swap_axes(&halves)?.reshape((2 * b, c, frames / 2, h, w))?)
}

export_method!(Jepa);

#[cfg(test)]
mod tests {
    use physrep_plugin_api::candle_core::{DType, Device};

    use super::*;

    #[test]
    fn contexts_come_first_and_targets_behind_them() {
        let clips = Tensor::arange(0f32, 2.0 * 3.0 * 4.0 * 5.0 * 6.0, &Device::Cpu).expect("numbers");
        let clips = clips.reshape((2, 3, 4, 5, 6)).expect("clips");
        let [context, target] = [0, 2].map(|from| clips.narrow(2, from, 2).expect("half"));
        let numbers = |clips: &Tensor| clips.flatten_all().and_then(|clips| clips.to_vec1::<f32>()).expect("numbers");
        let expected = Tensor::cat(&[context, target], 0).expect("both");
        let got = contexts_and_targets(&clips).expect("both");
        assert_eq!((got.dims(), numbers(&got), got.dtype()), (expected.dims(), numbers(&expected), DType::F32));
    }
}
