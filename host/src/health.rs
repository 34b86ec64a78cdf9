//! What embeddings and gradients tell by themselves of whether a row can be trusted.

use faer::MatRef;
use faer::linalg::solvers::SvdError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    probe::{Embeddings, Error},
};

/// The steps of pretraining whose gradients are looked at.
const FIRST_STEPS: u64 = 10;

/// How embeddings spread over their dimensions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// The effective rank of the centred embeddings, averaged over tokens: the exponential of the entropy of their singular values
    /// over the sum of these (Roy and Vetterli 2007, *The effective rank*). Between 1 and `dimensions`; 0 if all are equal.
    pub effective_rank: f64,
    /// Dimensions of an embedding.
    pub dimensions: usize,
    /// The standard deviation of each dimension over windows: the smallest.
    pub smallest_deviation: f64,
    /// The median.
    pub median_deviation: f64,
    /// The largest.
    pub largest_deviation: f64,
    /// Dimensions that vary by less than the precision of their values.
    pub constant_dimensions: usize,
}

impl Spread {
    /// Whether the embeddings lie on a line, or a point: no two parameters can be read from them independently.
    pub fn collapsed(&self) -> bool {
        self.effective_rank < 2.0
    }
}

/// The spread of embeddings.
///
/// # Errors
///
/// If the singular value decomposition does not converge.
pub fn spread(embeddings: &Embeddings) -> Result<Spread> {
    let (n, dim) = (embeddings.n, embeddings.dim);
    let mut values = embeddings.mean_pooled();
    let mut deviations = Vec::with_capacity(dim);
    let mut constant_dimensions = 0;
    for j in 0..dim {
        let column = || values.iter().skip(j).step_by(dim).copied();
        let mean = column().sum::<f64>() / n as f64;
        let deviation = (column().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
        let largest = column().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        let constant = deviation <= f64::from(f32::EPSILON) * largest;
        constant_dimensions += usize::from(constant);
        deviations.push(deviation);
        values.iter_mut().skip(j).step_by(dim).for_each(|x| *x = if constant { 0.0 } else { *x - mean });
    }
    deviations.sort_unstable_by(f64::total_cmp);
    // The singular values are the roots of the eigenvalues of the smaller Gram matrix; the decomposition is as cheap here.
    let singular = MatRef::from_row_major_slice(&values, n, dim)
        .singular_values()
        .map_err(|_: SvdError| Error::Decomposition { rows: n, columns: dim })?;
    let sum: f64 = singular.iter().sum();
    let shares = singular.iter().map(|value| value / sum).filter(|share| *share > 0.0);
    let entropy: f64 = shares.map(|share| -share * share.ln()).sum();
    Ok(Spread {
        effective_rank: if sum > 0.0 { entropy.exp() } else { 0.0 },
        dimensions: dim,
        smallest_deviation: deviations[0],
        median_deviation: deviations[dim / 2],
        largest_deviation: deviations[dim - 1],
        constant_dimensions,
    })
}

/// The gradient in the first steps of a pretraining.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradientFlow {
    /// The steps that were looked at.
    pub steps: u64,
    /// The smallest of their Euclidean norms over all trained parameters.
    pub smallest_norm: f64,
    /// The largest.
    pub largest_norm: f64,
    /// The trained tensors that no gradient reached, at the step where they were fewest: a part of a method that only some systems
    /// or batches use is not counted.
    pub silent: u64,
}

/// The flow of the gradient as `points` of a pretraining's curves tell it: name, step and value. None if they do not.
pub fn gradient_flow<'a>(points: impl Iterator<Item = (&'a str, u64, f64)>) -> Option<GradientFlow> {
    let (mut norms, mut silent) = (Vec::new(), Vec::new());
    for (name, _, value) in points.filter(|(_, step, _)| *step < FIRST_STEPS) {
        match name {
            "gradient_norm" => norms.push(value),
            "gradient_silent" => silent.push(value as u64),
            _ => {}
        }
    }
    Some(GradientFlow {
        steps: norms.len() as u64,
        smallest_norm: norms.iter().copied().reduce(f64::min)?,
        largest_norm: norms.iter().copied().reduce(f64::max)?,
        silent: silent.into_iter().min()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embeddings(values: Vec<f32>, dim: usize) -> Embeddings {
        Embeddings { n: values.len() / dim, values, tokens: 1, dim }
    }

    #[test]
    fn the_effective_rank_is_the_number_of_equally_used_dimensions() {
        // Along each of three axes as far to either side, and a fourth that never moves.
        let values =
            (0..6).flat_map(|i| (0..4).map(move |j| if i / 2 == j { 2.0 * (i % 2) as f32 - 1.0 } else { 0.0 }));
        let spread = spread(&embeddings(values.collect(), 4)).expect("a spread");
        assert!((spread.effective_rank - 3.0).abs() < 1e-9, "{spread:?}");
        assert_eq!(spread.constant_dimensions, 1);
        assert_eq!(spread.smallest_deviation, 0.0);
        assert!((spread.largest_deviation - (1f64 / 3.0).sqrt()).abs() < 1e-9);
        assert!(!spread.collapsed());
    }

    #[test]
    fn embeddings_on_a_line_have_collapsed_and_equal_ones_have_no_rank() {
        let line = (0..20).flat_map(|i| [i as f32, -2.0 * i as f32, 0.5 * i as f32 + 3.0]);
        let line = spread(&embeddings(line.collect(), 3)).expect("a spread");
        assert!((line.effective_rank - 1.0).abs() < 1e-6, "{line:?}");
        assert!(line.collapsed());
        // What differs by round-off alone does not differ.
        let equal = (0..20).flat_map(|i| [1e3 + 6e-5 * (i % 2) as f32, 7.0]);
        let equal = spread(&embeddings(equal.collect(), 2)).expect("a spread");
        assert_eq!((equal.effective_rank, equal.constant_dimensions), (0.0, 2));
    }

    #[test]
    fn the_gradient_is_looked_at_in_the_first_steps_and_parts_that_are_reached_once_are_not_silent() {
        let points = [
            ("gradient_norm", 0, 3.0),
            ("gradient_silent", 0, 2.0),
            ("loss", 0, 9.0),
            ("gradient_norm", 1, 0.5),
            ("gradient_silent", 1, 1.0),
            ("gradient_norm", 10, 1e9),
            ("gradient_silent", 10, 0.0),
        ];
        let flow = gradient_flow(points.into_iter()).expect("a flow");
        assert_eq!(flow, GradientFlow { steps: 2, smallest_norm: 0.5, largest_norm: 3.0, silent: 1 });
        assert_eq!(gradient_flow([("loss", 0, 1.0)].into_iter()), None);
    }
}
