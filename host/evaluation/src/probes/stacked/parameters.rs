//! The parameters of all fits, stacked.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, Var};

/// The parameters of all fits by name, each `(fits, ...)`.
pub(super) struct StackedParameters(BTreeMap<String, Var>);

impl StackedParameters {
    /// Stacks the parameters of fits, which have the same names and shapes, on a device.
    pub(super) fn of(fits: &[BTreeMap<String, Tensor>], device: &Device) -> Result<Self> {
        let stacked = |name: &String| -> Result<(String, Var)> {
            let values: Vec<&Tensor> = fits.iter().map(|fit| &fit[name]).collect();
            Ok((name.clone(), Var::from_tensor(&Tensor::stack(&values, 0)?.to_device(device)?)?))
        };
        fits.iter().take(1).flat_map(BTreeMap::keys).map(stacked).collect::<Result<_>>().map(Self)
    }

    /// The tensor that follows the values of a parameter, one of those that the fits have.
    pub(super) fn get(&self, name: &str) -> Tensor {
        self.0[name].as_tensor().clone()
    }

    /// All parameters, for an optimizer.
    pub(super) fn named(&self) -> Vec<(String, Var)> {
        self.0.iter().map(|(name, var)| (name.clone(), var.clone())).collect()
    }

    /// A copy of the weights of one fit.
    pub(super) fn of_fit(&self, fit: usize) -> Result<BTreeMap<String, Tensor>> {
        self.0.iter().map(|(name, var)| Ok((name.clone(), var.as_tensor().get(fit)?.copy()?))).collect()
    }

    /// Sets the weights of all fits.
    pub(super) fn set(&self, fits: &[BTreeMap<String, Tensor>]) -> Result<()> {
        for (name, var) in &self.0 {
            let values: Vec<&Tensor> = fits.iter().map(|fit| &fit[name]).collect();
            var.set(&Tensor::stack(&values, 0)?)?;
        }
        Ok(())
    }
}
