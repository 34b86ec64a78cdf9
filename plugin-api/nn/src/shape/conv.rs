//! A dense convolution.

use super::window::Window;

/// A dense convolution of a batch of fields: `(B, T, H, W, C)` to `(B, T', H', W', filters)`.
#[derive(Clone, Copy)]
pub(crate) struct ConvShape {
    pub(crate) window: Window,
    pub(crate) batch: usize,
    /// Channels of the output.
    pub(crate) filters: usize,
}

impl ConvShape {
    /// The shape of the output.
    pub(crate) fn output_dims(&self) -> [usize; 5] {
        let [t, h, w] = self.window.outputs;
        [self.batch, t, h, w, self.filters]
    }
}
