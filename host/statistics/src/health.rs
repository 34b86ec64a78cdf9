//! Health checks: whether the scores of an encoder can be trusted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The number of pretraining steps whose gradients are summarised.
const FIRST_STEPS: u64 = 10;

/// How embeddings spread over their dimensions: a collapsed encoder uses few of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// The effective rank of the centred embeddings, averaged over tokens: the exponential of the entropy of their normalised
    /// singular values (Roy and Vetterli 2007, *The effective rank*). Between 1 and `dimensions`; 0 if all embeddings are equal.
    pub effective_rank: f64,
    /// Dimensions of an embedding.
    pub dimensions: usize,
    /// The smallest standard deviation of a dimension over windows.
    pub smallest_std: f64,
    /// The median standard deviation over dimensions.
    pub median_std: f64,
    /// The largest standard deviation over dimensions.
    pub largest_std: f64,
    /// The number of dimensions that vary by less than the precision of their values.
    pub constant_dimensions: usize,
}

impl Spread {
    /// Whether the embeddings have collapsed to a line or a point, so that no two parameters can be estimated independently.
    pub fn collapsed(&self) -> bool {
        self.effective_rank < 2.0
    }
}

/// The gradient in the first steps of pretraining.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradientFlow {
    /// The number of steps that were summarised.
    pub steps: u64,
    /// The smallest Euclidean norm, over steps, of the gradient with respect to all trained parameters.
    pub smallest_norm: f64,
    /// The largest such norm.
    pub largest_norm: f64,
    /// The number of trained tensors without a gradient, at the step where it was lowest: a part of a method that only some
    /// systems or batches use does not count.
    pub tensors_without_gradient: u64,
}

impl GradientFlow {
    /// The gradient flow in `points` of training curves: name, step and value. None if the method did not record it.
    pub fn of<'a>(points: impl Iterator<Item = (&'a str, u64, f64)>) -> Option<Self> {
        let (mut norms, mut without) = (Vec::new(), Vec::new());
        for (name, _, value) in points.filter(|(_, step, _)| *step < FIRST_STEPS) {
            match name {
                "gradient_norm" => norms.push(value),
                "gradient_silent" => without.push(value as u64),
                _ => {}
            }
        }
        Some(Self {
            steps: norms.len() as u64,
            smallest_norm: norms.iter().copied().reduce(f64::min)?,
            largest_norm: norms.iter().copied().reduce(f64::max)?,
            tensors_without_gradient: without.into_iter().min()?,
        })
    }
}

/// A label permutation test: what the ridge probe estimates when labels are permuted among trajectories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabelPermutation {
    /// R2 on test of each permutation, the mean over parameters and against the mean of train; permutations where it is
    /// undefined are left out.
    pub r2: Vec<f64>,
    /// The smallest of them.
    pub low: Option<f64>,
    /// The largest of them. The range of 39 permutations contains the R2 of a further one with probability 38/40 = 95 %.
    pub high: Option<f64>,
}

impl LabelPermutation {
    /// The test over permutations with these R2.
    pub fn of(r2: Vec<f64>) -> Self {
        let (low, high) = (r2.iter().copied().reduce(f64::min), r2.iter().copied().reduce(f64::max));
        Self { r2, low, high }
    }

    /// Whether the range contains 0, as it should; true where R2 is undefined.
    pub fn contains_zero(&self) -> bool {
        self.low.is_none_or(|low| low <= 0.0) && self.high.is_none_or(|high| high >= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_that_of_the_first_steps_and_a_tensor_with_a_gradient_at_one_step_counts_as_trained() {
        let points = [
            ("gradient_norm", 0, 3.0),
            ("gradient_silent", 0, 2.0),
            ("loss", 0, 9.0),
            ("gradient_norm", 1, 0.5),
            ("gradient_silent", 1, 1.0),
            ("gradient_norm", 10, 1e9),
            ("gradient_silent", 10, 0.0),
        ];
        let flow = GradientFlow::of(points.into_iter()).expect("a flow");
        let expected = GradientFlow { steps: 2, smallest_norm: 0.5, largest_norm: 3.0, tensors_without_gradient: 1 };
        assert_eq!(flow, expected);
        assert_eq!(GradientFlow::of([("loss", 0, 1.0)].into_iter()), None);
    }
}
