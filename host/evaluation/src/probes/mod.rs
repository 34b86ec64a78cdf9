//! The probes: what every method is scored with.

pub(crate) mod attentive;
pub(crate) mod knn;
pub(crate) mod mean;
pub(crate) mod mlp;
pub(crate) mod ridge;
mod standardise;
pub(crate) mod training;

use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    labelled::{LabelledEmbeddings, check_same_parameters},
};
use attentive::{Attentive, AttentiveConfig, AttentiveRecord};
use knn::{Knn, KnnConfig, KnnRecord};
use mean::{Mean, MeanRecord};
use mlp::{Mlp, MlpConfig, MlpRecord};
use ridge::{Ridge, RidgeConfig, RidgeRecord};

/// Which probe, and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Probe {
    /// The floor: the mean label of the training split, whatever the embedding.
    Mean,
    /// Ridge regression on mean-pooled tokens, in closed form.
    Ridge(RidgeConfig),
    /// The nearest neighbours of mean-pooled tokens.
    Knn(KnnConfig),
    /// A perceptron of one hidden layer on mean-pooled tokens.
    Mlp(MlpConfig),
    /// The paper's attentive classifier.
    Attentive(AttentiveConfig),
}

impl Probe {
    /// The name that tables and files use.
    pub fn name(&self) -> &'static str {
        match self {
            Probe::Mean => "mean",
            Probe::Ridge(_) => "ridge",
            Probe::Knn(_) => "knn",
            Probe::Mlp(_) => "mlp",
            Probe::Attentive(_) => "attentive",
        }
    }

    /// Fits on `train`, choosing on `valid`; `seed` starts whatever is drawn at random.
    ///
    /// # Errors
    /// If the splits disagree in the width of a token or in their parameters, if the settings make
    /// no sense, or if the fit itself fails.
    pub fn fit(&self, train: &LabelledEmbeddings, valid: &LabelledEmbeddings, seed: u64) -> Result<FittedProbe> {
        check_same_parameters(train, valid)?;
        Ok(FittedProbe(match self {
            Probe::Mean => Fitted::Mean(Mean::fit(train)),
            Probe::Ridge(config) => Fitted::Ridge(Ridge::fit(train, valid, config)?),
            Probe::Knn(config) => Fitted::Knn(Knn::fit(train, valid, config)?),
            Probe::Mlp(config) => Fitted::Mlp(Mlp::fit(train, valid, config, seed)?),
            Probe::Attentive(config) => Fitted::Attentive(Attentive::fit(train, valid, config, seed)?),
        }))
    }
}

/// A fitted probe.
pub struct FittedProbe(Fitted);

enum Fitted {
    Mean(Mean),
    Ridge(Ridge),
    Knn(Knn),
    Mlp(Mlp),
    Attentive(Attentive),
}

impl FittedProbe {
    /// The predicted labels of a split, `(N, P)` row-major, on the labels' own z-scored scale.
    ///
    /// # Errors
    /// If the split's tokens differ in width from those that the probe was fitted on.
    pub fn predict(&self, split: &LabelledEmbeddings) -> Result<Vec<f32>> {
        match &self.0 {
            Fitted::Mean(mean) => Ok(mean.predict(split)),
            Fitted::Ridge(ridge) => ridge.predict(split),
            Fitted::Knn(knn) => knn.predict(split),
            Fitted::Mlp(mlp) => mlp.predict(split),
            Fitted::Attentive(attentive) => attentive.predict(split),
        }
    }

    /// What was chosen on the validation split, and how the fit went.
    pub fn record(&self) -> ProbeRecord {
        match &self.0 {
            Fitted::Mean(mean) => ProbeRecord::Mean(mean.record()),
            Fitted::Ridge(ridge) => ProbeRecord::Ridge(ridge.record().clone()),
            Fitted::Knn(knn) => ProbeRecord::Knn(knn.record().clone()),
            Fitted::Mlp(mlp) => ProbeRecord::Mlp(mlp.record().clone()),
            Fitted::Attentive(attentive) => ProbeRecord::Attentive(attentive.record().clone()),
        }
    }
}

/// What a fit reports about itself, for a cell's scores file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ProbeRecord {
    /// Of the mean.
    Mean(MeanRecord),
    /// Of the ridge.
    Ridge(RidgeRecord),
    /// Of the nearest neighbours.
    Knn(KnnRecord),
    /// Of the perceptron.
    Mlp(MlpRecord),
    /// Of the attentive classifier.
    Attentive(AttentiveRecord),
}
