//! The gradients of parameters, past the graph.
//!
//! For every argument of every operation candle's backward pass clears a tensor and adds the gradient to it. An operation of
//! many parameters takes them joined, as candle's operations have three arguments at most, which in the graph costs every
//! parameter of a step half a dozen launches on a GPU. While [`DirectGradients`] are open on a thread, operations on a GPU hand
//! the gradients of parameters over here instead.

use std::cell::RefCell;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, bail};

thread_local! {
    /// Parameters and their gradients, if they are collected.
    static HANDED_OVER: RefCell<Option<Vec<(Tensor, Tensor)>>> = const { RefCell::new(None) };
}

/// Open from before a loss is computed until its gradients are, on one thread.
pub struct DirectGradients(());

impl DirectGradients {
    /// Begins to collect.
    pub fn open() -> Self {
        HANDED_OVER.set(Some(Vec::new()));
        Self(())
    }

    /// The gradients of `loss`, as [`Tensor::backward`] gives them.
    pub fn backward(self, loss: &Tensor) -> Result<GradStore> {
        let mut gradients = loss.backward()?;
        for (parameter, gradient) in HANDED_OVER.take().unwrap_or_default() {
            let sum = match gradients.remove(&parameter) {
                Some(other) => (other + gradient)?,
                None => gradient,
            };
            gradients.insert(&parameter, sum);
        }
        Ok(gradients)
    }
}

impl Drop for DirectGradients {
    fn drop(&mut self) {
        HANDED_OVER.set(None);
    }
}

/// The gradient of an operation's argument for the graph: nothing, if the argument is a parameter and its gradient goes past it.
pub(crate) fn hand_over(argument: &Tensor, gradient: Option<Tensor>) -> Result<Option<Tensor>> {
    let Some(gradient) = gradient else { return Ok(None) };
    HANDED_OVER.with_borrow_mut(|handed_over| match handed_over {
        Some(all) if argument.is_variable() => {
            all.push((argument.clone(), gradient.contiguous()?));
            Ok(None)
        }
        _ => Ok(Some(gradient)),
    })
}

/// Parameters as an operation of a GPU takes them: joined.
pub(crate) struct Joined {
    /// All elements, one parameter after the other, without a trace.
    pub(crate) values: Tensor,
    /// What stands for them in the graph.
    pub(crate) argument: Tensor,
    /// The parameters, if their gradients go past the graph; the first is the argument.
    direct: Option<Vec<Tensor>>,
}

impl Joined {
    /// At least one parameter, of any shapes.
    pub(crate) fn new(parameters: &[&Tensor]) -> Result<Self> {
        // Tests emulate a GPU with tensors of the CPU.
        let on_gpu = cfg!(test) || !parameters[0].device().is_cpu();
        let open = HANDED_OVER.with_borrow(Option::is_some);
        let direct = on_gpu && open && parameters.iter().all(|parameter| parameter.is_variable());
        let flat = parameters.iter().map(|parameter| match direct {
            true => parameter.detach().flatten_all(),
            false => parameter.flatten_all(),
        });
        let all = Tensor::cat(&flat.collect::<Result<Vec<_>>>()?, 0)?;
        Ok(match direct {
            true => Self {
                values: all,
                argument: parameters[0].clone(),
                direct: Some(parameters.iter().map(|&parameter| parameter.clone()).collect()),
            },
            false => Self::from(&all),
        })
    }

    /// The argument's gradient, from that of all elements; those of the others are handed over.
    pub(crate) fn gradient(&self, of_all: Tensor) -> Result<Tensor> {
        let Some(parameters) = &self.direct else { return Ok(of_all) };
        let mut at = 0;
        let parts = parameters.iter().map(|parameter| {
            at += parameter.elem_count();
            of_all.narrow(0, at - parameter.elem_count(), parameter.elem_count())?.reshape(parameter.shape())
        });
        let mut parts = parameters.iter().cloned().zip(parts.collect::<Result<Vec<_>>>()?);
        let first = parts.next().map_or_else(|| of_all.clone(), |(_, gradient)| gradient);
        HANDED_OVER.with_borrow_mut(|all| match all {
            Some(all) => {
                all.extend(parts);
                Ok(first)
            }
            None => bail!(
                "a loss that was computed while DirectGradients were open needs their `backward`; the tensor's own finds \
                 no gradients of joined parameters"
            ),
        })
    }
}

impl From<&Tensor> for Joined {
    fn from(all: &Tensor) -> Self {
        Self { values: all.detach(), argument: all.clone(), direct: None }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::cuda::Composite;
    use crate::cuda::pointwise;

    /// `x + p`, with a parameter that is used twice, and one in the graph, too.
    #[test]
    fn what_is_handed_over_adds_up_with_what_the_graph_finds() -> Result<()> {
        if !crate::cuda::emulation::possible() {
            return Ok(());
        }
        let vars = [1f32, 2.0, 3.0].map(|value| Var::new(&[value; 4], &Device::Cpu).unwrap());
        let [x, p, q] = vars.each_ref().map(|var| var.as_tensor());
        let sum = |x: &Tensor| -> Result<Tensor> {
            let joined = Joined::new(&[q, p])?;
            let last = pointwise::bias("test", &[1, 4])?;
            let bias = joined.values.narrow(0, 4, 4)?;
            let (input, argument) = (x.reshape((1, 4))?, joined.argument.clone());
            let backward = move |gradient: &Tensor| {
                let flat = gradient.flatten_all()?;
                Ok([Some(gradient.clone()), Some(joined.gradient(Tensor::cat(&[flat.zeros_like()?, flat], 0)?)?)])
            };
            input.apply_op2(&argument, Composite::new(last, [&input, &bias], backward))?.flatten_all()
        };
        let loss = |open: bool| -> Result<Vec<Vec<f32>>> {
            let direct = open.then(DirectGradients::open);
            let loss = (sum(&sum(x)?)? * p)?.sum_all()?;
            let gradients = match direct {
                Some(direct) => direct.backward(&loss)?,
                None => loss.backward()?,
            };
            vars.iter().map(|var| gradients.get(var).unwrap().to_vec1()).collect()
        };
        assert_eq!(loss(true)?, loss(false)?);
        let late = {
            let _direct = DirectGradients::open();
            sum(x)?.sum_all()?
        };
        let error = late.backward().unwrap_err().to_string();
        assert!(error.contains("DirectGradients"), "{error}");
        assert_eq!(loss(true)?[1], vec![2.0 * 2.0 + 1.0 + 2.0 * 2.0; 4]);
        Ok(())
    }
}
