//! Depthwise convolution.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::support::{OP, assert_emulated, gradients, normal};
use crate::cuda::plans::depthwise;
use crate::ops::depthwise_conv;
use crate::shape::DepthwiseShape;

fn depthwise_agrees(dims: [usize; 5], kernel: [usize; 3], half: bool) {
    let what = format!("{dims:?} with {kernel:?}");
    let channels = dims[4];
    let x = normal(&dims, half, 1);
    let weight = normal(&[&[channels, 1], &kernel[..]].concat(), false, 2);
    let bias = normal(&[channels], false, 3);
    let dy = normal(&dims, half, 4);
    let shape = DepthwiseShape::new(x.dims(), weight.dims(), bias.dims()).unwrap();
    let y = depthwise_conv(&x, &weight, &bias).unwrap();
    let [dx, dweight, dbias] = gradients(&y, &dy, [&x, &weight, &bias]);
    assert_emulated(depthwise::forward(OP, &shape), half, &[&x, &weight, &bias], &[&y], &what);
    assert_emulated(depthwise::backward(OP, &shape), half, &[&dy, &weight], &[&dx], &what);
    let with_residual = (dx.as_ref() + x.as_tensor()).unwrap();
    assert_emulated(depthwise::backward_with_residual(OP, &shape), half, &[&dy, &weight, &x], &[&with_residual], &what);
    assert_emulated(depthwise::parameters(OP, &shape), half, &[&x, &dy], &[&dweight, &dbias], &what);
}

#[test]
fn agrees_where_tiles_blocks_and_chunks_end() {
    for half in [false, true] {
        // One position; a frame more than a tile; kernels larger than the field; several chunks.
        depthwise_agrees([1, 1, 1, 1, 1], [7, 7, 7], half);
        depthwise_agrees([2, 5, 9, 8, 33], [7, 7, 7], half);
        depthwise_agrees([1, 2, 3, 17, 32], [7, 7, 7], half);
        depthwise_agrees([3, 1, 16, 9, 65], [1, 7, 7], half);
        depthwise_agrees([2, 3, 4, 5, 40], [3, 5, 9], half);
        depthwise_agrees([1, 4, 9, 9, 2], [1, 1, 1], half);
        // Frames with neighbours on all sides, copied in packs of channels and one by one; a partial group of channels.
        depthwise_agrees([1, 9, 5, 9, 20], [7, 7, 7], half);
        depthwise_agrees([2, 8, 3, 4, 3], [7, 7, 7], half);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::with_cases(8) })]

    #[test]
    fn agrees_at_drawn_shapes(
        (b, t, side, channels) in (1usize..=2, 1usize..=6, (1usize..=20, 1usize..=20), 1usize..=40),
        kernel in prop_oneof![Just([7, 7, 7]), Just([1, 7, 7]), Just([3, 3, 3]), Just([1, 9, 3])],
        half: bool,
    ) {
        depthwise_agrees([b, t, side.0, side.1, channels], kernel, half);
    }
}
