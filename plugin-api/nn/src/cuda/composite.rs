//! Operations on a GPU that consist of several plans and matrix products, and are one node of the autograd graph.
//!
//! As separate nodes, the graph would clear a tensor for the gradient of each step, add to it, and keep the output of
//! every step.

use std::sync::Mutex;

use candle_core::{CpuStorage, CudaStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::device;
#[cfg(test)]
use super::emulation;
use super::handover::hand_over;
use super::plan::Plan;
use super::storage::on_gpu;

/// The last step of such an operation, which computes its result, and its backward pass. All steps before run when it
/// is built, on detached tensors. `backward` takes the gradient of the result and returns those of the arguments, or
/// `None` where no gradient is needed.
pub(crate) struct Composite<B> {
    op: &'static str,
    /// The plan and its inputs, until the result is computed.
    last: Mutex<Option<(Plan, Vec<Tensor>)>>,
    backward: B,
}

impl<B> Composite<B> {
    pub(crate) fn new<'a>(last: Plan, inputs: impl IntoIterator<Item = &'a Tensor>, backward: B) -> Self {
        let op = last.op;
        let inputs = inputs.into_iter().map(Tensor::detach).collect();
        Self { op, last: Mutex::new(Some((last, inputs))), backward }
    }

    fn last(&self) -> Result<(Plan, Vec<Tensor>)> {
        match self.last.lock().map(|mut last| last.take()) {
            Ok(Some(last)) => Ok(last),
            _ => bail!("{}: the forward pass has run already", self.op),
        }
    }

    fn on_gpu(&self) -> Result<(CudaStorage, Shape)> {
        let (plan, inputs) = self.last()?;
        let inputs: Vec<_> = inputs.iter().map(Tensor::storage_and_layout).collect();
        device::run(&plan, &on_gpu(self.op, &inputs)?)
    }

    #[cfg(not(test))]
    fn on_cpu(&self) -> Result<(CpuStorage, Shape)> {
        bail!("{}: expected tensors on a GPU, got one on the CPU", self.op)
    }

    #[cfg(test)]
    fn on_cpu(&self) -> Result<(CpuStorage, Shape)> {
        let (plan, inputs) = self.last()?;
        let results = emulation::run(&plan, &inputs.iter().collect::<Vec<_>>())?;
        let (storage, layout) = results[0].storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else {
            unreachable!("the emulation returns tensors on the CPU")
        };
        Ok((storage.clone(), layout.shape().clone()))
    }
}

impl<B: Fn(&Tensor) -> Result<[Option<Tensor>; 1]>> CustomOp1 for Composite<B> {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.on_gpu()
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let [dx] = (self.backward)(&gradient.contiguous()?)?;
        hand_over(x, dx)
    }
}

impl<B: Fn(&Tensor) -> Result<[Option<Tensor>; 2]>> CustomOp2 for Composite<B> {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.on_gpu()
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [dx, dy] = (self.backward)(&gradient.contiguous()?)?;
        Ok((hand_over(x, dx)?, hand_over(y, dy)?))
    }
}

impl<B: Fn(&Tensor) -> Result<[Option<Tensor>; 3]>> CustomOp3 for Composite<B> {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.on_gpu()
    }

    fn bwd(
        &self,
        x: &Tensor,
        y: &Tensor,
        z: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [dx, dy, dz] = (self.backward)(&gradient.contiguous()?)?;
        Ok((hand_over(x, dx)?, hand_over(y, dy)?, hand_over(z, dz)?))
    }
}
