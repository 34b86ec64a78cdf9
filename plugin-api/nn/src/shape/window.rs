//! The windows of a convolution.

use super::axis::Axis;

/// The windows that a convolution of three axes reads from a field `(B, T, H, W, C)`, one per output position.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) axes: [Axis; 3],
    /// T, H, W of the input.
    pub(crate) size: [usize; 3],
    /// T', H', W' of the output.
    pub(crate) outputs: [usize; 3],
    pub(crate) channels: usize,
}

impl Window {
    /// `None` if the kernel does not fit the field along some axis.
    pub(crate) fn new(axes: [Axis; 3], size: [usize; 3], channels: usize) -> Option<Self> {
        let mut outputs = [0; 3];
        for ((outputs, axis), size) in outputs.iter_mut().zip(&axes).zip(size) {
            *outputs = axis.outputs(size)?;
        }
        Some(Self { axes, size, outputs, channels })
    }

    /// Elements of one window, `kt kh kw C`.
    pub(crate) fn patch_len(&self) -> usize {
        self.axes.iter().map(|axis| axis.kernel).product::<usize>() * self.channels
    }

    /// Output positions of one sample.
    pub(crate) fn positions(&self) -> usize {
        self.outputs.iter().product()
    }
}
