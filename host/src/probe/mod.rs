//! Estimates physical parameters from a frozen representation: the probes that every method is
//! scored with.
//!
//! A probe is fitted on one split and makes its choices (a penalty, an epoch) on a second; a third,
//! the test split, is no argument of [`Probe::fit`], so nothing about it can reach a choice.
//! [`Fitted::predict`] then answers for any split:
//!
//! ```
//! use physrep_bench::probe::{Embeddings, Labels, Probe, Split, metrics};
//!
//! # fn main() -> Result<(), physrep_bench::probe::Error> {
//! let split = |name: &str, x: &[f32]| {
//!     let embeddings = Embeddings { values: x.to_vec(), n: x.len(), tokens: 1, dim: 1 };
//!     let labels = Labels {
//!         values: x.iter().map(|x| 2.0 * x).collect(),
//!         names: vec!["Reynolds".into()],
//!         trajectory: (0..x.len() as u32).collect(),
//!     };
//!     Split::new(name, embeddings, labels)
//! };
//! let (train, valid) = (split("train", &[-1.0, 0.0, 1.0])?, split("valid", &[-0.5, 0.5])?);
//! let test = split("test", &[-0.7, 0.7])?;
//! let fitted = Probe::Ridge(Default::default()).fit(&train, &valid, 0)?;
//! let scores = metrics::scores(&fitted.predict(&test)?, test.labels())?;
//! assert!(scores.mse < 1e-6);
//! # Ok(())
//! # }
//! ```
//!
//! Labels are z-scored by the suite, so a mean squared error of 1.0 is what a constant reaches.
//! Everything here is a pure function of its arguments: the same bytes for any number of threads.

pub mod attentive;
pub mod control;
pub mod error;
pub mod features;
pub mod fraction;
pub mod knn;
pub mod mean;
pub mod metrics;
pub mod mlp;
pub mod ridge;
mod scaling;
pub mod split;
mod training;

use serde::{Deserialize, Serialize};

pub use error::{Error, Result};
pub use split::{Embeddings, Labels, Split};

/// Which probe, and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Probe {
    /// The floor: the mean label of the training split, whatever the embedding.
    Mean,
    /// Ridge regression on mean-pooled tokens, in closed form.
    Ridge(ridge::Config),
    /// The nearest neighbours of mean-pooled tokens.
    Knn(knn::Config),
    /// A perceptron of one hidden layer on mean-pooled tokens.
    Mlp(mlp::Config),
    /// The paper's attentive classifier.
    Attentive(attentive::Config),
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
    pub fn fit(&self, train: &Split, valid: &Split, seed: u64) -> Result<Fitted> {
        split::check_same_parameters(train, valid)?;
        match self {
            Probe::Mean => Ok(Fitted::Mean(mean::Mean::fit(train))),
            Probe::Ridge(config) => ridge::Ridge::fit(train, valid, config).map(Fitted::Ridge),
            Probe::Knn(config) => knn::Knn::fit(train, valid, config).map(Fitted::Knn),
            Probe::Mlp(config) => mlp::Mlp::fit(train, valid, config, seed).map(Fitted::Mlp),
            Probe::Attentive(config) => attentive::Attentive::fit(train, valid, config, seed).map(Fitted::Attentive),
        }
    }
}

/// A fitted probe.
pub enum Fitted {
    /// See [`mean`].
    Mean(mean::Mean),
    /// See [`ridge`].
    Ridge(ridge::Ridge),
    /// See [`knn`].
    Knn(knn::Knn),
    /// See [`mlp`].
    Mlp(mlp::Mlp),
    /// See [`attentive`].
    Attentive(attentive::Attentive),
}

impl Fitted {
    /// The predicted labels of a split, `(N, P)` row-major, on the labels' own z-scored scale.
    ///
    /// # Errors
    /// If the split's tokens differ in width from those that the probe was fitted on.
    pub fn predict(&self, split: &Split) -> Result<Vec<f32>> {
        match self {
            Fitted::Mean(mean) => Ok(mean.predict(split)),
            Fitted::Ridge(ridge) => ridge.predict(split),
            Fitted::Knn(knn) => knn.predict(split),
            Fitted::Mlp(mlp) => mlp.predict(split),
            Fitted::Attentive(attentive) => attentive.predict(split),
        }
    }

    /// What was chosen on the validation split, and how the fit went.
    pub fn record(&self) -> Record {
        match self {
            Fitted::Mean(mean) => Record::Mean(mean.record()),
            Fitted::Ridge(ridge) => Record::Ridge(ridge.record().clone()),
            Fitted::Knn(knn) => Record::Knn(knn.record().clone()),
            Fitted::Mlp(mlp) => Record::Mlp(mlp.record().clone()),
            Fitted::Attentive(attentive) => Record::Attentive(attentive.record().clone()),
        }
    }
}

/// What a fit reports about itself, for a cell's scores file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// Of the mean.
    Mean(mean::Record),
    /// Of the ridge.
    Ridge(ridge::Record),
    /// Of the nearest neighbours.
    Knn(knn::Record),
    /// Of the perceptron.
    Mlp(mlp::Record),
    /// Of the attentive classifier.
    Attentive(attentive::Record),
}
