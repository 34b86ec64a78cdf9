//! Standardisation: mean zero and standard deviation one in each dimension over the training split.

/// Column means and standard deviations of the training split.
pub(crate) struct Standardiser {
    mean: Vec<f64>,
    /// Zero for a dimension that does not vary.
    inverse_std: Vec<f64>,
}

impl Standardiser {
    /// Computes them over rows of `dim` values.
    pub(super) fn of(values: &[f64], dim: usize) -> Self {
        let n = (values.len() / dim) as f64;
        let column = |j: usize| values.iter().skip(j).step_by(dim).copied();
        let mean: Vec<f64> = (0..dim).map(|j| column(j).sum::<f64>() / n).collect();
        let inverse_std = (0..dim)
            .map(|j| {
                let std = (column(j).map(|x| (x - mean[j]).powi(2)).sum::<f64>() / n).sqrt();
                let largest = column(j).fold(0.0, |largest: f64, x| largest.max(x.abs()));
                // Variation below the precision of the embeddings is round-off; standardised it would be noise.
                if std <= f64::from(f32::EPSILON) * largest { 0.0 } else { std.recip() }
            })
            .collect();
        Self { mean, inverse_std }
    }

    /// Standardises rows.
    pub(super) fn apply(&self, mut values: Vec<f64>) -> Vec<f64> {
        for row in values.chunks_exact_mut(self.mean.len()) {
            for ((value, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.inverse_std) {
                *value = (*value - mean) * scale;
            }
        }
        values
    }

    /// The number of dimensions that do not vary; they are zero once standardised.
    pub(super) fn constant_dimensions(&self) -> usize {
        self.inverse_std.iter().filter(|&&scale| scale == 0.0).count()
    }

    /// Values per row.
    pub(super) fn dim(&self) -> usize {
        self.mean.len()
    }
}
