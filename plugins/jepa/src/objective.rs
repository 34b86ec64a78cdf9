//! What prediction and target are asked to be: alike, and spread out, so that they cannot agree on saying nothing.

use physrep_plugin_api::candle_core::{Result, Tensor};
use physrep_plugin_api::nn::{
    Rng, VicReg, VicRegConfig, precise,
    sigreg::{directions, epps_pulley},
    vicreg,
};
use serde::{Deserialize, Serialize};

/// How embeddings are kept from collapsing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Regulariser {
    /// Each dimension varies, and no two say the same: VICReg, the paper's.
    VicReg,
    /// Projected on random directions they are normally distributed: SIGReg (arXiv:2511.08544), in the paper's code BCS.
    SigReg,
}

/// The weighted sum that is minimised.
#[derive(Clone, Copy, Debug)]
pub enum Objective {
    /// VICReg with its weights.
    VicReg(VicRegConfig),
    /// The mean squared distance, and how far from normal both are.
    SigReg {
        /// Weight of the distance.
        invariance: f64,
        /// Weight of the statistic, which is the mean of that of the prediction and that of the target.
        gaussianity: f64,
        /// Random directions, new ones in every step.
        slices: usize,
    },
}

/// The loss and the terms that curves show.
pub struct Loss {
    /// What is minimised.
    pub total: Tensor,
    /// Terms by name, before they are weighted.
    pub terms: Vec<(&'static str, Tensor)>,
}

impl Objective {
    /// What its random numbers are drawn for.
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
                let along = directions(target.dim(1)?, *slices, rng, target.dtype(), target.device())?;
                let distance = (precise(prediction)? - precise(target)?)?.sqr()?.mean_all()?;
                let statistic = ((epps_pulley(prediction, &along)? + epps_pulley(target, &along)?)? * 0.5)?;
                let total = ((&distance * *invariance)? + (&statistic * *gaussianity)?)?;
                Ok(Loss { total, terms: vec![("invariance", distance), ("gaussianity", statistic)] })
            }
        }
    }
}
