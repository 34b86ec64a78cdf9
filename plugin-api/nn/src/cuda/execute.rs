//! Runs plans on tensors.

use candle_core::{Result, Tensor, bail};

use super::device;
#[cfg(test)]
use super::emulation;
use super::plan::Plan;

impl Plan {
    /// The outputs of the plan, detached from the autograd graph.
    pub(crate) fn all_on(&self, tensors: &[&Tensor]) -> Result<Vec<Tensor>> {
        #[cfg(test)]
        if tensors[0].device().is_cpu() {
            return emulation::run(self, tensors);
        }
        let tensors = tensors.iter().map(|tensor| tensor.contiguous()).collect::<Result<Vec<_>>>()?;
        device::run_on(self, &tensors)
    }

    /// The output of a plan with one output.
    pub(crate) fn on<const N: usize>(&self, tensors: [&Tensor; N]) -> Result<Tensor> {
        let [output] = self.outputs_on(tensors)?;
        Ok(output)
    }

    /// The outputs of a plan with `M` outputs.
    pub(crate) fn outputs_on<const N: usize, const M: usize>(&self, tensors: [&Tensor; N]) -> Result<[Tensor; M]> {
        let outputs = self.all_on(&tensors)?;
        let count = outputs.len();
        outputs.try_into().or_else(|_| bail!("{}: expected a plan of {M} outputs, got {count}", self.op))
    }
}
