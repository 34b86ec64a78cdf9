//! The floor below every probe: predicts the mean label of the training split.
//!
//! On labels that are z-scored over their distribution it scores a mean squared error of about 1.0.

use serde::{Deserialize, Serialize};

use crate::labelled::LabelledEmbeddings;

/// The training split's mean label.
pub struct Mean {
    labels: Vec<f64>,
}

/// The constants that the floor predicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanRecord {
    /// The constant that is predicted for each parameter, z-scored.
    pub labels: Vec<f64>,
}

impl Mean {
    /// Takes the mean over the windows of `train`.
    pub fn fit(train: &LabelledEmbeddings) -> Self {
        let parameters = train.parameters();
        let mut labels = vec![0.0; parameters];
        for row in train.labels().values.chunks_exact(parameters) {
            for (sum, &label) in labels.iter_mut().zip(row) {
                *sum += f64::from(label);
            }
        }
        labels.iter_mut().for_each(|sum| *sum /= train.n() as f64);
        Self { labels }
    }

    /// The same P labels for each of the split's windows, `(N, P)`.
    pub fn predict(&self, split: &LabelledEmbeddings) -> Vec<f32> {
        let row: Vec<f32> = self.labels.iter().map(|&label| label as f32).collect();
        row.repeat(split.n())
    }

    /// The constants that are predicted.
    pub fn record(&self) -> MeanRecord {
        MeanRecord { labels: self.labels.clone() }
    }
}
