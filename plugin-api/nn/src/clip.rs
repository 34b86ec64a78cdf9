//! Keeping one step's gradients from being too long.

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Var};

/// Shortens the gradients of `parameters`, all by one factor, so that their joint Euclidean norm is at most `longest`, and
/// returns the norm that they had: `torch.nn.utils.clip_grad_norm_`. Parameters without a gradient are passed over.
pub fn clip_gradients(parameters: &[(String, Var)], gradients: &mut GradStore, longest: f64) -> Result<f64> {
    let mut squares = 0.0;
    for (_, var) in parameters {
        if let Some(gradient) = gradients.get(var) {
            squares += gradient.sqr()?.sum_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        }
    }
    let norm = squares.sqrt();
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
