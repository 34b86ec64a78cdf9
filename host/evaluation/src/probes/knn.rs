//! Regression by nearest neighbours of mean-pooled tokens: a probe of the geometry of a representation, without a trained map.
//!
//! A window is predicted by the mean label of the `k` nearest training windows, by Euclidean or cosine distance between mean-pooled
//! tokens, standardised by the training split. `k` and the distance are those with the lowest mean squared error on the validation
//! split.

use serde::{Deserialize, Serialize};

use super::standardise::Standardiser;
use crate::error::{Error, Result};
use crate::labelled::{LabelledEmbeddings, check_dim};
use crate::linear_algebra::rows;

/// The distance between two windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KnnMetric {
    /// The length of the difference.
    Euclidean,
    /// One minus the cosine of the angle; 1 if a vector is zero.
    Cosine,
}

/// Settings of the nearest-neighbour probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KnnConfig {
    /// Candidates for the number of neighbours, capped at the number of training windows.
    pub neighbours: Vec<usize>,
    /// Candidate distances.
    pub metrics: Vec<KnnMetric>,
}

impl Default for KnnConfig {
    fn default() -> Self {
        Self { neighbours: vec![1, 2, 5, 10, 20, 50, 100], metrics: vec![KnnMetric::Euclidean, KnnMetric::Cosine] }
    }
}

/// The selected settings, and the error of every candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnnRecord {
    /// The selected number of neighbours; of equally good ones the largest.
    pub neighbours: usize,
    /// The selected distance; of equally good ones the first.
    pub metric: KnnMetric,
    /// Every distance and number of neighbours with its mean squared error on the validation split.
    pub path: Vec<(KnnMetric, usize, f64)>,
}

/// A fitted nearest-neighbour regression: the training split.
pub struct Knn {
    scaling: Standardiser,
    /// Standardised training windows, `(N, dim)`.
    train: Vec<f64>,
    labels: Vec<f32>,
    parameters: usize,
    record: KnnRecord,
}

impl Knn {
    /// Stores `train`, and selects the distance and the number of neighbours on `valid`.
    ///
    /// # Errors
    /// If there is no candidate, a number of neighbours is 0, or the dimensions of the splits' tokens differ.
    pub fn fit(train: &LabelledEmbeddings, valid: &LabelledEmbeddings, config: &KnnConfig) -> Result<Self> {
        if config.metrics.is_empty() || config.neighbours.is_empty() || config.neighbours.contains(&0) {
            return Err(Error::Setting {
                setting: "knn".into(),
                expected: "at least one metric and one number of neighbours, each 1 or more",
                found: format!("{config:?}"),
            });
        }
        let dim = train.embeddings().dim;
        check_dim(dim, valid)?;
        let pooled = train.embeddings().mean_pooled();
        let scaling = Standardiser::of(&pooled, dim);
        let mut knn = Self {
            train: scaling.apply(pooled),
            scaling,
            labels: train.labels().values.clone(),
            parameters: train.parameters(),
            record: KnnRecord { neighbours: 1, metric: config.metrics[0], path: Vec::new() },
        };
        let mut counts: Vec<usize> = config.neighbours.iter().map(|&k| k.min(train.n())).collect();
        counts.sort_unstable();
        counts.dedup();
        let truth = &valid.labels().values;
        let mut best = f64::INFINITY;
        for &metric in &config.metrics {
            for (&count, predicted) in counts.iter().zip(knn.means(valid, metric, &counts)) {
                let error = |(f, &y): (&f64, &f32)| (f - f64::from(y)).powi(2);
                let error = predicted.iter().zip(truth).map(error).sum::<f64>() / truth.len() as f64;
                knn.record.path.push((metric, count, error));
                if error < best || (error == best && metric == knn.record.metric) {
                    best = error;
                    (knn.record.metric, knn.record.neighbours) = (metric, count);
                }
            }
        }
        Ok(knn)
    }

    /// Predicted labels, `(N, P)`.
    ///
    /// # Errors
    /// If the split's tokens have other dimensions than those of the fit.
    pub fn predict(&self, split: &LabelledEmbeddings) -> Result<Vec<f32>> {
        check_dim(self.scaling.dim(), split)?;
        let KnnRecord { metric, neighbours, .. } = self.record;
        let predicted = self.means(split, metric, &[neighbours]).concat();
        Ok(predicted.into_iter().map(|label| label as f32).collect())
    }

    /// The selected settings, and the error of every candidate.
    pub fn record(&self) -> &KnnRecord {
        &self.record
    }

    /// For each of the ascending `counts`, the mean labels `(N, P)` of that many neighbours of each window of the split.
    fn means(&self, split: &LabelledEmbeddings, metric: KnnMetric, counts: &[usize]) -> Vec<Vec<f64>> {
        let most = counts.last().copied().unwrap_or_default();
        let queries = self.scaling.apply(split.embeddings().mean_pooled());
        let distances = distances(&queries, &self.train, self.scaling.dim(), metric);
        let mut means = vec![Vec::with_capacity(split.n() * self.parameters); counts.len()];
        for distances in distances.chunks_exact(self.labels.len() / self.parameters) {
            let nearest = nearest(distances, most);
            let mut sums = vec![0.0; self.parameters];
            let mut taken = 0;
            for (&count, means) in counts.iter().zip(&mut means) {
                for &neighbour in &nearest[taken..count] {
                    let labels = &self.labels[neighbour as usize * self.parameters..][..self.parameters];
                    sums.iter_mut().zip(labels).for_each(|(sum, &label)| *sum += f64::from(label));
                }
                taken = count;
                means.extend(sums.iter().map(|sum| sum / count as f64));
            }
        }
        means
    }
}

/// The indices of the `count` smallest distances, nearest first; ties in order of their index.
fn nearest(distances: &[f64], count: usize) -> Vec<u32> {
    let mut indices: Vec<u32> = (0..distances.len() as u32).collect();
    let order = |a: &u32, b: &u32| distances[*a as usize].total_cmp(&distances[*b as usize]).then(a.cmp(b));
    if count < indices.len() {
        indices.select_nth_unstable_by(count, order);
        indices.truncate(count);
    }
    indices.sort_unstable_by(order);
    indices
}

/// Distances `(queries, windows)`: squared Euclidean, which has the same order, or cosine.
fn distances(queries: &[f64], train: &[f64], dim: usize, metric: KnnMetric) -> Vec<f64> {
    let squares =
        |values: &[f64]| -> Vec<f64> { values.chunks_exact(dim).map(|row| row.iter().map(|x| x * x).sum()).collect() };
    let (query_squares, train_squares) = (squares(queries), squares(train));
    let (n, m) = (query_squares.len(), train_squares.len());
    let products = rows(queries, n) * rows(train, m).transpose();
    let distance = |i: usize, j: usize| match metric {
        KnnMetric::Euclidean => query_squares[i] - 2.0 * products[(i, j)] + train_squares[j],
        KnnMetric::Cosine => {
            let lengths = (query_squares[i] * train_squares[j]).sqrt();
            if lengths > 0.0 { 1.0 - products[(i, j)] / lengths } else { 1.0 }
        }
    };
    (0..n).flat_map(|i| (0..m).map(move |j| distance(i, j))).collect()
}
