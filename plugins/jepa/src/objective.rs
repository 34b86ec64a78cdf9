//! The objective: prediction and target agree, and neither collapses to a constant.

use physrep_plugin_api::{
    candle_core::{Result, Tensor},
    nn::{
        Rng, VicReg, VicRegConfig, precise,
        sigreg::{directions, epps_pulley},
        vicreg,
    },
};

use crate::config::{Config, Regulariser};

/// The weighted sum of terms that is minimised.
#[derive(Clone, Copy, Debug)]
pub enum Objective {
    /// VICReg with its weights.
    VicReg(VicRegConfig),
    /// Mean squared distance, and how far from normal both sets of rows are.
    SigReg {
        /// Weight of the distance.
        invariance: f64,
        /// Weight of the statistic, the mean of the prediction's and the target's.
        gaussianity: f64,
        /// Number of random directions, drawn anew in every step.
        slices: usize,
    },
}

/// The loss, and its terms for the curves.
pub struct Loss {
    /// What is minimised.
    pub total: Tensor,
    /// The terms by name, before they are weighted.
    pub terms: Vec<(&'static str, Tensor)>,
}

impl Objective {
    /// The objective that `config` selects.
    pub fn new(config: &Config) -> Self {
        match config.regulariser {
            Regulariser::VicReg => Self::VicReg(VicRegConfig {
                invariance: config.sim_coeff,
                variance: config.std_coeff,
                covariance: config.cov_coeff,
                chunks: config.chunks,
            }),
            Regulariser::SigReg => {
                Self::SigReg { invariance: config.sim_coeff, gaussianity: config.bcs_coeff, slices: config.slices }
            }
        }
    }

    /// The purpose of the random stream that [`loss`](Self::loss) draws from.
    pub fn purpose(&self) -> &'static str {
        match self {
            Self::VicReg(_) => "vicreg",
            Self::SigReg { .. } => "sigreg",
        }
    }

    /// The loss of rows `(N, D)` of predictions and their targets.
    pub fn loss(&self, prediction: &Tensor, target: &Tensor, rng: &mut Rng) -> Result<Loss> {
        match self {
            Self::VicReg(config) => {
                let order = rng.permutation(target.dim(0)?);
                let VicReg { total, invariance, variance, covariance } = vicreg(prediction, target, &order, config)?;
                let [variance, covariance] = [variance, covariance].map(|[x, y]| x + y);
                let terms = vec![("invariance", invariance), ("variance", variance?), ("covariance", covariance?)];
                Ok(Loss { total, terms })
            }
            Self::SigReg { invariance, gaussianity, slices } => {
                let directions = directions(target.dim(1)?, *slices, rng, target.dtype(), target.device())?;
                let distance = (precise(prediction)? - precise(target)?)?.sqr()?.mean_all()?;
                let statistics = epps_pulley(prediction, &directions)? + epps_pulley(target, &directions)?;
                let statistic = (statistics? * 0.5)?;
                let total = ((&distance * *invariance)? + (&statistic * *gaussianity)?)?;
                Ok(Loss { total, terms: vec![("invariance", distance), ("gaussianity", statistic)] })
            }
        }
    }
}
