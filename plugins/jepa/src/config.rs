//! The hyper-parameters. Every key has a default; `--set jepa.KEY=VALUE` overrides one.

use physrep_plugin_api::Training;
use serde::{Deserialize, Serialize};

/// The hyper-parameters; the defaults are the paper's.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Channels of each stage of the encoder: five stages for clips of 16 frames, four for 4.
    pub dims: Vec<usize>,
    /// Residual blocks of each stage.
    pub num_res_blocks: Vec<usize>,
    /// Initial scale of every residual branch. With the paper's value every block starts as the identity.
    pub layer_scale: f64,
    /// What keeps embeddings from collapsing.
    pub regulariser: Regulariser,
    /// Which network embeds the target.
    pub target: Target,
    /// Decay of the moving average, for the target `ema`.
    pub ema_decay: f64,
    /// Weight of the mean squared distance between prediction and target.
    pub sim_coeff: f64,
    /// VICReg: weight of the variance term, a hinge on the standard deviation of each dimension at 1.
    pub std_coeff: f64,
    /// VICReg: weight of the covariance term, the squared off-diagonal entries.
    pub cov_coeff: f64,
    /// SIGReg: weight of the distance from a normal distribution.
    pub bcs_coeff: f64,
    /// SIGReg: number of random directions.
    pub slices: usize,
    /// VICReg: number of parts that the rows of a batch are split into; statistics are computed per part.
    pub chunks: usize,
    /// Standard deviation of Gaussian noise that is added to the normalised clips in pretraining, besides the suite's. The
    /// paper adds noise of standard deviation 1 to fields that are not normalised.
    pub noise: f64,
    /// The optimizer and its schedule.
    pub training: Training,
}

/// What keeps embeddings from collapsing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Regulariser {
    /// VICReg, as in the paper: each dimension varies, and no two are correlated.
    VicReg,
    /// SIGReg (arXiv:2511.08544; the paper's code calls it BCS): projections on random directions are normally distributed.
    SigReg,
}

/// Which network embeds the clip whose embedding is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The encoder itself, with gradients, as in the paper.
    Shared,
    /// A teacher: an exponential moving average of the encoder, without gradients. Only the prediction's terms of the
    /// regulariser then have gradients.
    Ema,
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
    /// Why the values are invalid, if they are. Sizes of the networks are checked where they are built.
    pub fn validate(&self) -> Result<(), String> {
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
