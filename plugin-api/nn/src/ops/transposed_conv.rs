//! Transposed convolution whose patches touch without overlapping: the opposite of a convolution along
//! [`Axis::patches`](crate::Axis::patches).

use candle_core::{Result, Tensor, bail};

use super::linear::linear;
use super::swap_axes::swap_axes;

/// A transposed convolution with a stride equal to its kernel, differentiable in all three tensors:
/// `x (B, T, H, W, I)`, `weight (I, O, kt, kh, kw)` and `bias (O)` to `(B, kt T, kh H, kw W, O)`.
///
/// # Errors
/// If the shapes do not fit.
pub fn transposed_conv(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (b, t, h, w, inputs) = x.dims5()?;
    let (from, outputs, kt, kh, kw) = weight.dims5()?;
    if from != inputs || bias.dims() != [outputs] || weight.elem_count() == 0 {
        bail!(
            "transposed_conv: expected x (B, T, H, W, I), weight (I, O, kt, kh, kw) and bias (O), got {:?}, {:?} and {:?}",
            x.dims(),
            weight.dims(),
            bias.dims()
        );
    }
    // One product gives the patch of each position; then the axes of the patches are moved into place, first time, then
    // height.
    let taps = kt * kh * kw;
    let rows = weight.permute([2, 3, 4, 1, 0])?.contiguous()?.reshape((taps * outputs, inputs))?;
    let patches = linear(x, &rows, &Tensor::cat(&vec![bias; taps], 0)?)?;
    let by_time = swap_axes(&patches.reshape((b * t, h * w, kt, kh * kw * outputs))?)?;
    let by_height = swap_axes(&by_time.reshape((b * t * kt * h, w, kh, kw * outputs))?)?;
    by_height.reshape((b, t * kt, h * kh, w * kw, outputs))
}
