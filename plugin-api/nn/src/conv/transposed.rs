//! Transposed convolution whose patches touch and do not overlap: the way back up from [`Axis::patches`](super::Axis).

use candle_core::{Result, Tensor, bail};

use crate::linear::linear;
use crate::params::{Init, Params};
use crate::swap::swap_axes;

/// A transposed convolution with a stride as long as its kernel: every position becomes a patch of positions.
///
/// Parameters: `weight (I, O, kt, kh, kw)`, `bias (O)`; PyTorch's default initialisation.
pub struct TransposedConv {
    weight: Tensor,
    bias: Tensor,
}

impl TransposedConv {
    /// A layer from `inputs` to `outputs` channels; `patch` is what a position becomes along time, height and width.
    pub fn new(inputs: usize, outputs: usize, patch: [usize; 3], params: Params) -> Result<Self> {
        let [t, h, w] = patch;
        // PyTorch takes the second axis for the inputs, whatever the direction.
        let init = Init::fan_in_uniform(outputs * t * h * w);
        Ok(Self {
            weight: params.get((inputs, outputs, t, h, w), "weight", init)?,
            bias: params.get(outputs, "bias", init)?,
        })
    }

    /// `(B, T, H, W, I)` to `(B, kt T, kh H, kw W, O)`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        transposed_conv(x, &self.weight, &self.bias)
    }
}

/// A transposed convolution with a stride as long as its kernel, differentiable in all three tensors: `x (B, T, H, W, I)`,
/// `weight (I, O, kt, kh, kw)` and `bias (O)` to `(B, kt T, kh H, kw W, O)`.
///
/// # Errors
/// If shapes do not fit.
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
    // One product gives each position's patch; then its axes go to where they belong, first time's and then height's.
    let taps = kt * kh * kw;
    let rows = weight.permute([2, 3, 4, 1, 0])?.contiguous()?.reshape((taps * outputs, inputs))?;
    let patches = linear(x, &rows, &Tensor::cat(&vec![bias; taps], 0)?)?;
    let by_time = swap_axes(&patches.reshape((b * t, h * w, kt, kh * kw * outputs))?)?;
    let by_height = swap_axes(&by_time.reshape((b * t * kt * h, w, kh, kw * outputs))?)?;
    by_height.reshape((b, t * kt, h * kh, w * kw, outputs))
}
