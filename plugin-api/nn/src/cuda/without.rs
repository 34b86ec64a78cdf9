//! Stands in for `device` in a build without the feature `cuda`, where no tensor is on a card.

use candle_core::{CudaStorage, Layout, Result, Shape, bail};

use super::Plan;

pub(crate) fn run<const N: usize>(plan: &Plan, _: [(&CudaStorage, &Layout); N]) -> Result<(CudaStorage, Shape)> {
    let Plan { op, inputs, output, shape, .. } = plan;
    bail!("{op}: {inputs:?} to {output:?} {shape:?} needs a build with the cargo feature `cuda`")
}

pub(crate) fn in_place(plan: &Plan, _: [(&CudaStorage, &Layout); 2]) -> Result<()> {
    bail!("{}: needs a build with the cargo feature `cuda`", plan.op)
}
