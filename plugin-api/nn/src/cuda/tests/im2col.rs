//! im2col and col2im.

use candle_core::{DType, Device, Tensor};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::support::{OP, assert_emulated, gradients, normal};
use crate::cuda::plans::im2col;
use crate::ops::conv;
use crate::shape::{Axis, Window};

/// im2col and col2im, as a convolution whose weight is the identity, and its gradient.
fn patches_agree(dims: [usize; 5], axes: [Axis; 3], half: bool) {
    let [batch, t, h, w, channels] = dims;
    let Some(window) = Window::new(axes, [t, h, w], channels) else { return };
    let what = format!("{dims:?} with {axes:?}");
    // One filter per element of the patch, which copies that element.
    let length = axes.iter().map(|axis| axis.kernel).product::<usize>() * channels;
    let [kt, kh, kw] = axes.map(|axis| axis.kernel);
    let identity = Tensor::eye(length, DType::F64, &Device::Cpu).unwrap();
    let weight = identity.reshape((length, kt, kh, kw, channels)).unwrap().permute([0, 4, 1, 2, 3]).unwrap();
    let x = normal(&dims, half, 1);
    let y = conv(&x, &weight, &Tensor::zeros(length, DType::F64, &Device::Cpu).unwrap(), &axes).unwrap();
    let dy = normal(y.dims(), half, 2);
    let [dx] = gradients(&y, &dy, [&x]);
    assert_emulated(im2col::im2col(OP, &window, batch), half, &[&x], &[&y], &what);
    assert_emulated(im2col::col2im(OP, &window, batch), half, &[&dy], &[&dx], &what);
}

#[test]
fn agrees_where_windows_and_blocks_end() {
    for half in [false, true] {
        let halves = [Axis::patches(2); 3];
        patches_agree([2, 4, 6, 4, 3], halves, half);
        patches_agree([1, 5, 3, 7, 33], halves, half);
        // Packs of channels; lines longer than a block; positions that no window reads.
        patches_agree([1, 2, 5, 90, 12], halves, half);
        patches_agree([2, 1, 7, 5, 8], [Axis::same(1), Axis::patches(3), Axis::patches(2)], half);
        patches_agree([1, 2, 4, 5, 4], [Axis::same(3), Axis::same(3), Axis::padded(2, 1)], half);
        patches_agree([1, 3, 8, 9, 2], [Axis::same(3), Axis::patches(4), Axis::same(4)], half);
        patches_agree(
            [2, 2, 5, 5, 1],
            [Axis::padded(2, 1), Axis::same(9), Axis { kernel: 3, stride: 2, padding: (1, 0) }],
            half,
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::with_cases(8) })]

    #[test]
    fn agrees_at_drawn_shapes(
        dims in [1usize..=2, 1usize..=5, 1usize..=9, 1usize..=9, 1usize..=5],
        axes in proptest::array::uniform3((1usize..=4, 1usize..=3, 0usize..=2, 0usize..=2)),
        half: bool,
    ) {
        let axes = axes.map(|(kernel, stride, before, after)| Axis { kernel, stride, padding: (before, after) });
        patches_agree(dims, axes, half);
    }
}
