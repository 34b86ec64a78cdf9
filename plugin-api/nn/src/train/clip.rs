//! The norm of gradients, and clipping by it.

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var};

/// The sum of squares of the gradient of each parameter; parameters without a gradient are skipped. All must have the
/// same type.
///
/// All sums are read from the device at once: one read per parameter would wait for the GPU as many times.
pub fn squared_norms(parameters: &[(String, Var)], gradients: &GradStore) -> Result<Vec<f64>> {
    let gradients = parameters.iter().filter_map(|(_, var)| gradients.get(var));
    let squares = gradients.map(|gradient| gradient.sqr()?.sum_all()).collect::<Result<Vec<_>>>()?;
    match squares.as_slice() {
        [] => Ok(Vec::new()),
        squares => Tensor::stack(squares, 0)?.to_dtype(DType::F64)?.to_vec1(),
    }
}

/// Scales the gradients of `parameters` by one factor so that their joint Euclidean norm is at most `max_norm`, and
/// returns the norm before, as `torch.nn.utils.clip_grad_norm_`. Parameters without a gradient are skipped.
pub fn clip_gradients(parameters: &[(String, Var)], gradients: &mut GradStore, max_norm: f64) -> Result<f64> {
    match parameters.first() {
        Some((_, var)) if !var.device().is_cpu() => clip_joined(parameters, gradients, max_norm),
        _ => clip_each(parameters, gradients, max_norm),
    }
}

/// The factor that makes a norm at most `max_norm`.
fn factor(norm: f64, max_norm: f64) -> f64 {
    (max_norm / (norm + 1e-6)).min(1.0)
}

fn clip_each(parameters: &[(String, Var)], gradients: &mut GradStore, max_norm: f64) -> Result<f64> {
    let norm = squared_norms(parameters, gradients)?.iter().sum::<f64>().sqrt();
    let factor = factor(norm, max_norm);
    if factor < 1.0 {
        for (_, var) in parameters {
            if let Some(gradient) = gradients.remove(var) {
                gradients.insert(var, (gradient * factor)?);
            }
        }
    }
    Ok(norm)
}

/// The same with all gradients in one tensor: on a GPU a launch per gradient would take longer than the arithmetic.
fn clip_joined(parameters: &[(String, Var)], gradients: &mut GradStore, max_norm: f64) -> Result<f64> {
    /// Elements per row of the sum.
    const ROW: usize = 1024;
    let with_gradient = parameters.iter().filter_map(|(_, var)| gradients.get(var).map(|gradient| (var, gradient)));
    let (vars, mut flat): (Vec<&Var>, Vec<Tensor>) =
        with_gradient.map(|(var, gradient)| Ok((var, gradient.flatten_all()?))).collect::<Result<_>>()?;
    let Some(first) = flat.first() else { return Ok(0.0) };
    let count: usize = flat.iter().map(Tensor::elem_count).sum();
    let rest = Tensor::zeros(count.next_multiple_of(ROW) - count, first.dtype(), first.device())?;
    flat.push(rest);
    let all = Tensor::cat(&flat, 0)?;
    let rows = all.sqr()?.reshape(((), ROW))?.sum(1)?.to_dtype(DType::F64)?;
    let norm = rows.to_vec1::<f64>()?.iter().sum::<f64>().sqrt();
    let factor = factor(norm, max_norm);
    if factor < 1.0 {
        let shorter = (all * factor)?;
        let mut at = 0;
        for var in vars {
            let gradient = shorter.narrow(0, at, var.elem_count())?.reshape(var.shape())?;
            at += var.elem_count();
            gradients.insert(var, gradient);
        }
    }
    Ok(norm)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::rng::Rng;

    type Clip = fn(&[(String, Var)], &mut GradStore, f64) -> Result<f64>;

    #[test]
    fn joined_gradients_are_clipped_as_each_by_itself() -> Result<()> {
        let normal = |shape: &[usize], seed| Rng::new(seed, "clip", 0).normal(shape, DType::F64, &Device::Cpu);
        let vars = [Var::from_tensor(&normal(&[30, 50], 1)?)?, Var::from_tensor(&normal(&[7], 2)?)?];
        let parameters: Vec<(String, Var)> = vars.iter().map(|var| (String::new(), var.clone())).collect();
        for max_norm in [0.5, 1e6] {
            let clipped = |clip: Clip| {
                let loss = (vars[0].powf(3.0)?.sum_all()? + vars[1].sqr()?.sum_all()?)?;
                let mut gradients = loss.backward()?;
                let norm = clip(&parameters, &mut gradients, max_norm)?;
                let all = vars.iter().map(|var| gradients.get(var).unwrap().flatten_all()?.to_vec1::<f64>());
                Ok::<_, candle_core::Error>((norm, all.collect::<Result<Vec<_>>>()?.concat()))
            };
            let ((norm, each), (joint_norm, joined)) = (clipped(clip_each)?, clipped(clip_joined)?);
            assert!((norm - joint_norm).abs() < 1e-12 * norm, "{norm} and {joint_norm}");
            assert!(each.iter().zip(&joined).all(|(a, b)| (a - b).abs() < 1e-12 * norm), "up to {max_norm}");
        }
        Ok(())
    }
}
