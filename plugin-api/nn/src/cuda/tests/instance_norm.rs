//! Instance normalisation.

use super::support::{OP, assert_emulated, gradients, normal};
use crate::cuda::plans::instance_norm as plans;
use crate::ops::{instance_norm, rms_instance_norm};
use crate::shape::InstanceNormScheme;

/// Maps of `dims (.., N, C)`, with the mean subtracted and not.
fn maps_agree(dims: &[usize], half: bool) {
    let channels = dims[dims.len() - 1];
    let (x, dy) = (normal(dims, half, 1), normal(dims, half, 2));
    let [weight, bias] = [3, 4].map(|seed| normal(&[channels], false, seed));
    for centred in [true, false] {
        let what = format!("maps {dims:?}, centred: {centred}");
        let y = match centred {
            true => instance_norm(&x, &weight, &bias, 1e-5).unwrap(),
            false => rms_instance_norm(&x, &weight, 1e-5).unwrap(),
        };
        let scheme = InstanceNormScheme { centred, eps: 1e-5 };
        assert_emulated(plans::forward(OP, dims, scheme), half, &[&x, &weight, &bias], &[&y], &what);
        let dbias = dy.flatten_to(dims.len() - 2).unwrap().sum(0).unwrap();
        let [dx, dweight] = gradients(&y, &dy, [&x, &weight]);
        let expected = [&dx, &dweight, &dbias];
        assert_emulated(plans::backward(OP, dims, scheme), half, &[&x, &weight, &dy], &expected, &what);
    }
}

#[test]
fn agrees_where_blocks_end() {
    for half in [false, true] {
        maps_agree(&[2, 3, 10, 33], half);
        maps_agree(&[70, 9, 4], half);
    }
}
