//! Replaces `device` in builds without the feature `cuda`, where no tensor is on a GPU.

use candle_core::{CudaStorage, Layout, Result, Shape, Tensor, bail};

use super::plan::Plan;

pub(crate) fn run_on(plan: &Plan, _: &[Tensor]) -> Result<Vec<Tensor>> {
    run(plan, &[]).map(|_| Vec::new())
}

pub(crate) fn run(plan: &Plan, _: &[(&CudaStorage, &Layout)]) -> Result<(CudaStorage, Shape)> {
    let Plan { op, inputs, outputs, .. } = plan;
    bail!("{op}: {inputs:?} to {outputs:?} needs a build with the cargo feature `cuda`")
}

pub(crate) fn in_place(plan: &Plan, _: &[&Tensor]) -> Result<()> {
    bail!("{}: needs a build with the cargo feature `cuda`", plan.op)
}
