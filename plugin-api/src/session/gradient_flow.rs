//! How the gradient reaches the parameters in the first steps: it shows whether all of a network is trained.

use candle_core::{Var, backprop::GradStore};
use physrep_nn::squared_norms;

use crate::Result;

/// The number of steps in which the gradient flow is recorded.
pub(super) const FIRST_STEPS: u64 = 10;

/// The gradient of one step's loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GradientFlow {
    /// Euclidean norm over all trained parameters.
    pub(super) norm: f64,
    /// Number of trained parameters without a gradient, or whose gradient is zero in every element.
    pub(super) silent: usize,
}

impl GradientFlow {
    /// The flow of `gradients` to `parameters`.
    pub(super) fn new(parameters: &[(String, Var)], gradients: &GradStore) -> Result<Self> {
        let squares = squared_norms(parameters, gradients)?;
        let flowing = squares.iter().filter(|&&square| square != 0.0).count();
        Ok(Self { norm: squares.iter().sum::<f64>().sqrt(), silent: parameters.len() - flowing })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn the_norm_is_over_all_parameters_and_a_zero_gradient_is_silent_like_none() {
        let var =
            |values: &[f32]| Var::from_tensor(&Tensor::new(values, &Device::Cpu).expect("values")).expect("a var");
        let (reached, zeroed, forgotten) = (var(&[1.0, 2.0]), var(&[5.0]), var(&[7.0]));
        // The gradient is (2, 4) for the first, 0 for the second, and there is none for the third.
        let squares = reached.sqr().and_then(|x| x.sum_all()).expect("squares");
        let nothing = zeroed.affine(0.0, 0.0).and_then(|x| x.sum_all()).expect("zero");
        let gradients = (squares + nothing).and_then(|loss| loss.backward()).expect("gradients");
        let parameters = [("a", reached), ("b", zeroed), ("c", forgotten)].map(|(name, var)| (name.to_owned(), var));
        let flow = GradientFlow::new(&parameters, &gradients).expect("a flow");
        assert!((flow.norm - 20f64.sqrt()).abs() < 1e-6, "{flow:?}");
        assert_eq!(flow.silent, 2);
    }
}
