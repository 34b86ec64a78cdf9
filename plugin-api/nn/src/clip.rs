//! How long one step's gradients are, and keeping them from being too long.

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var};

/// The sum of squares of each gradient of `parameters`, which are all of one type; parameters without a gradient are passed
/// over. All sums come from the device at once: reading each would wait for the GPU as often as there are parameters.
pub fn squared_norms(parameters: &[(String, Var)], gradients: &GradStore) -> Result<Vec<f64>> {
    let gradients = parameters.iter().filter_map(|(_, var)| gradients.get(var));
    let squares = gradients.map(|gradient| gradient.sqr()?.sum_all()).collect::<Result<Vec<_>>>()?;
    match squares.as_slice() {
        [] => Ok(Vec::new()),
        squares => Tensor::stack(squares, 0)?.to_dtype(DType::F64)?.to_vec1(),
    }
}

/// Shortens the gradients of `parameters`, all by one factor, so that their joint Euclidean norm is at most `longest`, and
/// returns the norm that they had: `torch.nn.utils.clip_grad_norm_`. Parameters without a gradient are passed over.
pub fn clip_gradients(parameters: &[(String, Var)], gradients: &mut GradStore, longest: f64) -> Result<f64> {
    let norm = squared_norms(parameters, gradients)?.iter().sum::<f64>().sqrt();
    let factor = longest / (norm + 1e-6);
    if factor < 1.0 {
        for (_, var) in parameters {
            if let Some(gradient) = gradients.remove(var) {
                gradients.insert(var, (gradient * factor)?);
            }
        }
    }
    Ok(norm)
}
