//! Ridge regression on mean-pooled tokens: the linear probe in closed form.
//!
//! Minimises `1/N |Y - 1 b' - Z W|^2 + penalty |W|^2` over weights `W (dim, P)` and an unpenalised intercept `b (P)`, where
//! `Z (N, dim)` are the tokens' means, standardised by the training split. The `1/N` makes a penalty independent of the number of
//! windows.
//! With the eigendecomposition of the smaller Gram matrix, `Z' Z = V L V'` or `Z Z' = U L U'`,
//!
//! ```text
//! W = V diag(1 / (l + N penalty)) V' Z' (Y - 1 b')    or    W = Z' U diag(1 / (l + N penalty)) U' (Y - 1 b'),    b = mean Y,
//! ```
//!
//! so one decomposition serves every penalty, for fewer windows than dimensions as well as for more (Hastie, Tibshirani and
//! Friedman, *The Elements of Statistical Learning*, eqs. 3.44 and 18.15). The penalty with the lowest mean squared error on the validation
//! split, over all parameters, is selected.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::standardise::Standardiser;
use crate::error::{Error, Result};
use crate::labelled::{LabelledEmbeddings, check_dim};
use crate::linear_algebra::{GramSpectrum, rows};

/// Settings of the ridge probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RidgeConfig {
    /// Candidate penalties, positive; by default half-decades from 1e-8 to 1e4.
    pub penalties: Vec<f64>,
}

impl Default for RidgeConfig {
    fn default() -> Self {
        Self { penalties: (-16..=8).map(|half_decade| 10f64.powf(f64::from(half_decade) / 2.0)).collect() }
    }
}

/// The selected penalty, and the error of every candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RidgeRecord {
    /// The selected penalty; of equally good ones the largest.
    pub penalty: f64,
    /// Every penalty, in the order of the settings, with its mean squared error on the validation split.
    pub path: Vec<(f64, f64)>,
    /// The number of dimensions that are constant over the training split, which are ignored.
    pub constant_dimensions: usize,
}

/// A fitted ridge regression.
pub struct Ridge {
    scaling: Arc<Standardiser>,
    weights: DMatrix<f64>,
    intercept: Vec<f64>,
    record: RidgeRecord,
}

impl Ridge {
    /// Solves for every penalty on `train` and keeps the one that is best on `valid`.
    ///
    /// # Errors
    /// If a penalty is not positive and finite, if the dimensions of the splits' tokens differ, or if the decomposition does not
    /// converge.
    pub fn fit(train: &LabelledEmbeddings, valid: &LabelledEmbeddings, config: &RidgeConfig) -> Result<Self> {
        Ok(Basis::of(train, valid, config)?.fit(&train.labels().values, &valid.labels().values, train.parameters()))
    }

    /// Predicted labels, `(N, P)`.
    ///
    /// # Errors
    /// If the split's tokens have other dimensions than those of the fit.
    pub fn predict(&self, split: &LabelledEmbeddings) -> Result<Vec<f32>> {
        check_dim(self.weights.nrows(), split)?;
        let inputs = self.scaling.apply(split.embeddings().mean_pooled());
        let predicted = rows(&inputs, split.n()) * &self.weights;
        let cell = |row, column: usize| (predicted[(row, column)] + self.intercept[column]) as f32;
        let parameters = self.intercept.len();
        Ok((0..split.n()).flat_map(|row| (0..parameters).map(move |column| cell(row, column))).collect())
    }

    /// The selected penalty, and the error of every candidate.
    pub fn record(&self) -> &RidgeRecord {
        &self.record
    }
}

/// The part of a fit that does not depend on the labels.
pub struct Basis {
    scaling: Arc<Standardiser>,
    decomposition: Decomposition,
    /// `Z V` or `Z Z' U` of the validation split.
    valid: DMatrix<f64>,
    penalties: Vec<f64>,
}

impl Basis {
    /// Decomposes the embeddings of `train` and projects those of `valid`.
    ///
    /// # Errors
    /// As [`Ridge::fit`].
    pub fn of(train: &LabelledEmbeddings, valid: &LabelledEmbeddings, config: &RidgeConfig) -> Result<Self> {
        check_penalties(&config.penalties)?;
        check_dim(train.embeddings().dim, valid)?;
        let pooled = train.embeddings().mean_pooled();
        let scaling = Standardiser::of(&pooled, train.embeddings().dim);
        let decomposition = Decomposition::of(scaling.apply(pooled), train.n())?;
        let inputs = scaling.apply(valid.embeddings().mean_pooled());
        let valid = rows(&inputs, valid.n()) * &decomposition.basis;
        Ok(Self { scaling: Arc::new(scaling), decomposition, valid, penalties: config.penalties.clone() })
    }

    /// The regression on labels `(N, P)` of the training split, with the penalty selected on those of the validation split.
    pub fn fit(&self, train: &[f32], valid: &[f32], parameters: usize) -> Ridge {
        let n = train.len() / parameters;
        let column = |j: usize| train.iter().skip(j).step_by(parameters).map(|&label| f64::from(label));
        let intercept: Vec<f64> = (0..parameters).map(|j| column(j).sum::<f64>() / n as f64).collect();
        let label = |row, column| f64::from(train[row * parameters + column]) - intercept[column];
        // In this basis each penalty takes a rescaling and one thin product.
        let target = &self.decomposition.targets * DMatrix::from_fn(n, parameters, label);
        let shrink = |penalty| self.decomposition.shrink(&target, penalty);
        let path: Vec<(f64, f64)> = self
            .penalties
            .iter()
            .map(|&penalty| {
                let predicted = &self.valid * shrink(penalty);
                (penalty, mean_squared_error(&predicted, &intercept, valid))
            })
            .collect();
        let best = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1).then(b.0.total_cmp(&a.0));
        let penalty = path.iter().min_by(best).map_or(f64::NAN, |&(penalty, _)| penalty);
        let weights = &self.decomposition.basis * shrink(penalty);
        let constant_dimensions = self.scaling.constant_dimensions();
        let record = RidgeRecord { penalty, path, constant_dimensions };
        Ridge { scaling: self.scaling.clone(), weights, intercept, record }
    }
}

/// N standardised rows `Z`, such that the weights are `basis diag(1 / (l + N penalty)) targets (Y - 1 b')`.
struct Decomposition {
    n: usize,
    /// The eigenvalues `l`.
    values: DVector<f64>,
    /// `V` or `Z' U`, `(dim, rank)`.
    basis: DMatrix<f64>,
    /// `V' Z'` or `U'`, `(rank, N)`.
    targets: DMatrix<f64>,
}

impl Decomposition {
    fn of(standardised: Vec<f64>, n: usize) -> Result<Self> {
        let z = rows(&standardised, n);
        let GramSpectrum { values, vectors, of_rows } = GramSpectrum::of(&z)?;
        let (basis, targets) = if of_rows {
            (z.transpose() * &vectors, vectors.transpose())
        } else {
            let targets = vectors.transpose() * z.transpose();
            (vectors, targets)
        };
        Ok(Self { n, values, basis, targets })
    }

    /// `diag(1 / (l + N penalty)) target`: the weights in the basis.
    fn shrink(&self, target: &DMatrix<f64>, penalty: f64) -> DMatrix<f64> {
        let ridge = self.n as f64 * penalty;
        DMatrix::from_fn(target.nrows(), target.ncols(), |i, column| target[(i, column)] / (self.values[i] + ridge))
    }
}

/// The mean over all windows and parameters, which have equal weight because labels are z-scored.
fn mean_squared_error(predicted: &DMatrix<f64>, intercept: &[f64], labels: &[f32]) -> f64 {
    let error = |(index, &label): (usize, &f32)| {
        let (row, column) = (index / intercept.len(), index % intercept.len());
        (predicted[(row, column)] + intercept[column] - f64::from(label)).powi(2)
    };
    labels.iter().enumerate().map(error).sum::<f64>() / labels.len() as f64
}

fn check_penalties(penalties: &[f64]) -> Result<()> {
    let positive = |penalty: &f64| penalty.is_finite() && *penalty > 0.0;
    if !penalties.is_empty() && penalties.iter().all(positive) {
        return Ok(());
    }
    Err(Error::Setting {
        setting: "ridge.penalties".into(),
        expected: "at least one, all positive and finite",
        found: format!("{penalties:?}"),
    })
}
