//! One step of AdamW.

use super::support::{OP, compare, normal};
use crate::cuda::emulation::{emulate, floats};
use crate::cuda::plans::adamw::adamw;

#[test]
fn changes_parameter_and_moments_as_defined() {
    let count = 1000;
    let [parameter, gradient] = [1, 2].map(|seed| normal(&[count], false, seed));
    let moments = normal(&[2, count], false, 3).abs().unwrap();
    let [p, g, m] = [&*parameter, &*gradient, &moments].map(floats);
    let new_moments: Vec<f32> = (0..2 * count)
        .map(|i| if i < count { 0.9 * m[i] + 0.1 * g[i] } else { 0.99 * m[i] + 0.01 * g[i - count] * g[i - count] })
        .collect();
    let update = [0.999, 0.01, 0.8, 1e-8];
    let (mean, square) = new_moments.split_at(count);
    let new_parameter: Vec<f32> =
        (0..count).map(|i| 0.999 * p[i] - 0.01 * mean[i] / (square[i].sqrt() / 0.8 + 1e-8)).collect();
    let plan = adamw(OP, count, [0.1, 0.99, 0.01], update).unwrap();
    let Some([_, changed]) = emulate(&plan, false, &[&parameter, &moments, &gradient]) else { return };
    for (i, expected) in [new_parameter, new_moments, g].iter().enumerate() {
        compare(&changed[i], expected, false, "the parameter, its moments or its gradient");
    }
}
