//! The probes that every method is scored with.

pub(crate) mod attentive;
pub(crate) mod knn;
pub(crate) mod mean;
pub(crate) mod mlp;
pub(crate) mod ridge;
pub(crate) mod stacked;
mod standardise;
pub(crate) mod training;

use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    labelled::{LabelledEmbeddings, check_same_parameters},
};
use attentive::{Attentive, AttentiveConfig, AttentiveRecord};
use knn::{Knn, KnnConfig, KnnRecord};
use mean::{Mean, MeanRecord};
use mlp::{Mlp, MlpConfig, MlpRecord};
use ridge::{Ridge, RidgeConfig, RidgeRecord};
use stacked::{attentive::StackedAttentive, mlp::StackedMlp};

/// A probe and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Probe {
    /// The floor: the mean label of the training split, whatever the embedding.
    Mean,
    /// Ridge regression on mean-pooled tokens, in closed form.
    Ridge(RidgeConfig),
    /// The nearest neighbours of mean-pooled tokens.
    Knn(KnnConfig),
    /// A perceptron with one hidden layer on mean-pooled tokens.
    Mlp(MlpConfig),
    /// The paper's attentive classifier.
    Attentive(AttentiveConfig),
}

impl Probe {
    /// The name in tables and files.
    pub fn name(&self) -> &'static str {
        match self {
            Probe::Mean => "mean",
            Probe::Ridge(_) => "ridge",
            Probe::Knn(_) => "knn",
            Probe::Mlp(_) => "mlp",
            Probe::Attentive(_) => "attentive",
        }
    }

    /// Whether fits with different seeds differ.
    pub fn is_random(&self) -> bool {
        matches!(self, Probe::Mlp(_) | Probe::Attentive(_))
    }

    /// Fits on `train` and selects on `valid`; `seed` is the root of all randomness.
    ///
    /// # Errors
    /// If the splits differ in the dimensions of a token or in their parameters, if a setting is outside its range, or if the fit
    /// fails.
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

    /// Fits a probe that starts from random weights once for each of `seeds`, all fits at once on `device`, and selects on `valid`. It
    /// draws and computes what [`fit`](Self::fit) does with each seed, and agrees with it within rounding.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); also if the probe has no weights to train, if there is no seed, or if the device is out of memory.
    pub fn fit_stacked(
        &self,
        train: &LabelledEmbeddings,
        valid: &LabelledEmbeddings,
        seeds: &[u64],
        device: &Device,
    ) -> Result<StackedFits> {
        check_same_parameters(train, valid)?;
        let refuse = |setting: &str, expected, found: &str| {
            Err(Error::Setting { setting: setting.into(), expected, found: found.into() })
        };
        match self {
            _ if seeds.is_empty() => refuse("fits", "at least 1", "0"),
            Probe::Mlp(config) => {
                let fits = stacked::mlp::fit(train, valid, config, seeds, device)?;
                Ok(StackedFits(Stacked::Mlp(fits)))
            }
            Probe::Attentive(config) => {
                let fits = stacked::attentive::fit(train, valid, config, seeds, device)?;
                Ok(StackedFits(Stacked::Attentive(fits)))
            }
            Probe::Mean | Probe::Ridge(_) | Probe::Knn(_) => {
                refuse("kind", "a probe with weights to train on a device: mlp or attentive", self.name())
            }
        }
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
    /// If the split's tokens have other dimensions than those of the fit.
    pub fn predict(&self, split: &LabelledEmbeddings) -> Result<Vec<f32>> {
        match &self.0 {
            Fitted::Mean(mean) => Ok(mean.predict(split)),
            Fitted::Ridge(ridge) => ridge.predict(split),
            Fitted::Knn(knn) => knn.predict(split),
            Fitted::Mlp(mlp) => mlp.predict(split),
            Fitted::Attentive(attentive) => attentive.predict(split),
        }
    }

    /// What was selected on the validation split, and how the fit went.
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

/// Fits of one probe that were trained together, in the order of their seeds.
pub struct StackedFits(Stacked);

enum Stacked {
    Mlp(StackedMlp),
    Attentive(StackedAttentive),
}

impl StackedFits {
    /// The labels that each fit predicts for a split, as [`FittedProbe::predict`].
    ///
    /// # Errors
    /// As [`FittedProbe::predict`]; also if the device is out of memory.
    pub fn predict(&self, split: &LabelledEmbeddings) -> Result<Vec<Vec<f32>>> {
        match &self.0 {
            Stacked::Mlp(fits) => fits.predict(split),
            Stacked::Attentive(fits) => fits.predict(split),
        }
    }

    /// What each fit selected on the validation split, and how it went.
    pub fn records(&self) -> Vec<ProbeRecord> {
        match &self.0 {
            Stacked::Mlp(fits) => fits.records().iter().cloned().map(ProbeRecord::Mlp).collect(),
            Stacked::Attentive(fits) => fits.records().iter().cloned().map(ProbeRecord::Attentive).collect(),
        }
    }
}

/// What was selected on the validation split, and how the fit went, for a cell's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ProbeRecord {
    /// Of [`Probe::Mean`].
    Mean(MeanRecord),
    /// Of [`Probe::Ridge`].
    Ridge(RidgeRecord),
    /// Of [`Probe::Knn`].
    Knn(KnnRecord),
    /// Of [`Probe::Mlp`].
    Mlp(MlpRecord),
    /// Of [`Probe::Attentive`].
    Attentive(AttentiveRecord),
}
