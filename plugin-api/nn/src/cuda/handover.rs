//! Gradients of parameters that bypass the autograd graph.
//!
//! For every argument of every operation candle's backward pass clears a tensor and adds the gradient to it, which
//! costs half a dozen launches per parameter and step on a GPU. While a collection is open on a thread (see
//! [`DirectGradients`](crate::DirectGradients)), operations on a GPU hand the gradients of their parameters over here
//! instead.

use std::cell::RefCell;

use candle_core::{Result, Tensor, bail};

thread_local! {
    /// Parameters and their gradients, while a collection is open.
    static HANDED_OVER: RefCell<Option<Vec<(Tensor, Tensor)>>> = const { RefCell::new(None) };
}

/// Opens a collection on this thread.
pub(crate) fn open() {
    HANDED_OVER.set(Some(Vec::new()));
}

/// Closes the collection of this thread, and returns the parameters and gradients in it.
pub(crate) fn close() -> Vec<(Tensor, Tensor)> {
    HANDED_OVER.take().unwrap_or_default()
}

/// The gradient of an argument of an operation, for the autograd graph: `None` if the argument is a parameter and its
/// gradient was handed over.
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

/// The parameters of an operation, concatenated: an operation of candle has at most three arguments.
pub(crate) struct Joined {
    /// All elements, one parameter after the other, detached.
    pub(crate) values: Tensor,
    /// The argument that represents them in the autograd graph.
    pub(crate) argument: Tensor,
    /// The parameters, if their gradients are handed over; the first of them is the argument.
    direct: Option<Vec<Tensor>>,
}

impl Joined {
    /// One parameter or more, of any shapes.
    pub(crate) fn new(parameters: &[&Tensor]) -> Result<Self> {
        // Tests emulate a GPU with tensors on the CPU.
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

    /// The gradient of the argument, from the gradient of all elements; the gradients of the other parameters are
    /// handed over.
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
                "this loss was computed while DirectGradients were open: call DirectGradients::backward, since \
                 Tensor::backward finds no gradients of its parameters"
            ),
        })
    }
}

impl From<&Tensor> for Joined {
    fn from(all: &Tensor) -> Self {
        Self { values: all.detach(), argument: all.clone(), direct: None }
    }
}
