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
    match parameters.first() {
        Some((_, var)) if !var.device().is_cpu() => clip_joined(parameters, gradients, longest),
        _ => clip_each(parameters, gradients, longest),
    }
}

/// What a norm is multiplied by to be at most `longest`.
fn factor(norm: f64, longest: f64) -> f64 {
    (longest / (norm + 1e-6)).min(1.0)
}

fn clip_each(parameters: &[(String, Var)], gradients: &mut GradStore, longest: f64) -> Result<f64> {
    let norm = squared_norms(parameters, gradients)?.iter().sum::<f64>().sqrt();
    let factor = factor(norm, longest);
    if factor < 1.0 {
        for (_, var) in parameters {
            if let Some(gradient) = gradients.remove(var) {
                gradients.insert(var, (gradient * factor)?);
            }
        }
    }
    Ok(norm)
}

/// The same with all gradients in one tensor: on a GPU a launch for each would take longer than the arithmetic.
fn clip_joined(parameters: &[(String, Var)], gradients: &mut GradStore, longest: f64) -> Result<f64> {
    /// Numbers that are added up side by side.
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
    let factor = factor(norm, longest);
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
    use crate::Rng;

    type Clip = fn(&[(String, Var)], &mut GradStore, f64) -> Result<f64>;

    #[test]
    fn joined_gradients_are_clipped_as_each_by_itself() -> Result<()> {
        let normal = |shape: &[usize], seed| Rng::new(seed, "clip", 0).normal(shape, DType::F64, &Device::Cpu);
        let vars = [Var::from_tensor(&normal(&[30, 50], 1)?)?, Var::from_tensor(&normal(&[7], 2)?)?];
        let parameters: Vec<(String, Var)> = vars.iter().map(|var| (String::new(), var.clone())).collect();
        for longest in [0.5, 1e6] {
            let clipped = |clip: Clip| {
                let loss = (vars[0].powf(3.0)?.sum_all()? + vars[1].sqr()?.sum_all()?)?;
                let mut gradients = loss.backward()?;
                let norm = clip(&parameters, &mut gradients, longest)?;
                let all = vars.iter().map(|var| gradients.get(var).unwrap().flatten_all()?.to_vec1::<f64>());
                Ok::<_, candle_core::Error>((norm, all.collect::<Result<Vec<_>>>()?.concat()))
            };
            let ((norm, each), (joint_norm, joined)) = (clipped(clip_each)?, clipped(clip_joined)?);
            assert!((norm - joint_norm).abs() < 1e-12 * norm, "{norm} and {joint_norm}");
            assert!(each.iter().zip(&joined).all(|(a, b)| (a - b).abs() < 1e-12 * norm), "up to {longest}");
        }
        Ok(())
    }
}
