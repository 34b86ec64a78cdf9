//! Plans of instance_norm.cu: instance normalisation of maps `(.., N, C)`.

use candle_core::Result;

use super::sums::Partials;
use crate::cuda::plan::Argument::{self, Input, Null, Output, Scalar, Scratch, Size};
use crate::cuda::plan::Kind::{Element, Float};
use crate::cuda::plan::{LANES, Plan, size};
use crate::shape::InstanceNormScheme;

/// Maps, positions and channels.
fn sizes(x: &[usize]) -> [usize; 3] {
    let [.., positions, channels] = *x else { return [0; 3] };
    [x.iter().product::<usize>() / (positions * channels).max(1), positions, channels]
}

fn arguments(positions: usize, channels: usize, scheme: InstanceNormScheme) -> Result<[Argument; 4]> {
    Ok([size(positions)?, size(channels)?, Size(u32::from(scheme.centred)), Scalar(scheme.eps as f32)])
}

/// From x, weight and bias, which is used if the scheme is centred.
pub(crate) fn forward(op: &'static str, x: &[usize], scheme: InstanceNormScheme) -> Result<Plan> {
    let [maps, positions, channels] = sizes(x);
    let bias = if scheme.centred { Input(2) } else { Null };
    let all = [vec![Input(0), Input(1), bias, Output(0, 0)], arguments(positions, channels, scheme)?.to_vec()].concat();
    let plan = Plan::new(op, &[Element, Float, Float], Element, x);
    plan.launch("instance_norm_forward", [channels.div_ceil(LANES), maps, 1], all)
}

/// The gradients of x, and of weight and bias `(2, C)`, from x, weight and the gradient of the result.
pub(crate) fn backward(op: &'static str, x: &[usize], scheme: InstanceNormScheme) -> Result<Plan> {
    let [maps, positions, channels] = sizes(x);
    let mut plan = Plan::new(op, &[Element, Float, Element], Element, x).and(Float, (2, channels));
    let sums = Partials { at: plan.reserve(maps * 2 * channels), chunks: maps, stride: 2 * channels };
    let outputs = vec![Input(0), Input(1), Input(2), Output(0, 0), Scratch(sums.at)];
    let all = [outputs, arguments(positions, channels, scheme)?.to_vec()].concat();
    let grid = [channels.div_ceil(LANES), maps, 1];
    let (plan, sums) = plan.launch("instance_norm_backward", grid, all)?.add_groups(sums)?;
    plan.add_partials(sums, 0, [1, 2 * channels], Output(1, 0))
}
