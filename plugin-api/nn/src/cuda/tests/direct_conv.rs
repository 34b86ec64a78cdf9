//! Dense convolution without an im2col matrix.

use candle_core::Tensor;

use super::support::{OP, assert_emulated, gradients, normal};
use crate::cuda::plans::direct_conv::DirectConv;
use crate::ops::conv;
use crate::shape::{Axis, ConvShape, Window};

/// A convolution whose input needs no gradient, without an im2col matrix.
fn direct_agrees(dims: [usize; 5], filters: usize, axes: [Axis; 3], half: bool) {
    let [batch, t, h, w, channels] = dims;
    let what = format!("{dims:?} with {axes:?} to {filters}");
    let [kt, kh, kw] = axes.map(|axis| axis.kernel);
    let x = normal(&dims, half, 1);
    let weight = normal(&[filters, channels, kt, kh, kw], false, 2);
    let bias = normal(&[filters], false, 3);
    let y = conv(&x, &weight, &bias, &axes).unwrap();
    let window = Window::new(axes, [t, h, w], channels).expect(&what);
    let direct = DirectConv::new(&ConvShape { window, batch, filters }).expect(&what);
    let matrix =
        |weight: &Tensor| weight.permute([2, 3, 4, 1, 0]).unwrap().reshape((kh * kw * channels, filters)).unwrap();
    let dy = normal(y.dims(), half, 4);
    let [dweight, dbias] = gradients(&y, &dy, [&weight, &bias]);
    assert_emulated(direct.forward(OP), half, &[&x, &matrix(&weight), &bias], &[&y], &what);
    assert_emulated(direct.parameters(OP), half, &[&x, &dy], &[&matrix(&dweight), &dbias], &what);
}

#[test]
fn agrees_where_tiles_and_shares_end() {
    for half in [false, true] {
        let stem = [Axis::same(1), Axis::same(4), Axis::same(4)];
        direct_agrees([2, 3, 17, 33, 11], 16, stem, half);
        direct_agrees([1, 2, 40, 9, 4], 32, stem, half);
        // Fewer taps than a thread sums; an odd number of shares of a tile; two shares; one.
        direct_agrees([1, 1, 20, 35, 1], 16, [Axis::same(1), Axis::same(1), Axis::same(3)], half);
        direct_agrees([2, 1, 33, 18, 5], 16, [Axis::same(1), Axis::same(5), Axis::same(5)], half);
        direct_agrees([1, 1, 18, 17, 7], 16, [Axis::same(1), Axis::same(5), Axis::same(10)], half);
        direct_agrees([1, 1, 17, 5, 8], 16, [Axis::same(1), Axis::same(5), Axis::same(10)], half);
        direct_agrees([1, 1, 3, 70, 16], 16, [Axis::same(1), Axis::padded(3, 2), Axis::padded(1, 0)], half);
    }
}
