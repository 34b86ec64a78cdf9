//! One axis of a convolution.

/// How the kernel of a convolution moves along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Size of the kernel, in positions.
    pub kernel: usize,
    /// Distance between neighbouring outputs, in positions of the input.
    pub stride: usize,
    /// Zeros before and after the input.
    pub padding: (usize, usize),
}

impl Axis {
    /// Stride 1 and padding that keeps the size, as `padding='same'` in PyTorch: for an even kernel, one zero more
    /// after the input than before it.
    pub fn same(kernel: usize) -> Self {
        let total = kernel.saturating_sub(1);
        Self { kernel, stride: 1, padding: (total / 2, total - total / 2) }
    }

    /// Stride 1 and `padding` zeros on either side.
    pub fn padded(kernel: usize, padding: usize) -> Self {
        Self { kernel, stride: 1, padding: (padding, padding) }
    }

    /// Patches of `size` that touch without overlapping; positions beyond the last whole patch are dropped.
    pub fn patches(size: usize) -> Self {
        Self { kernel: size, stride: size, padding: (0, 0) }
    }

    /// The number of outputs for `size` inputs; `None` if the kernel does not fit once.
    pub(crate) fn outputs(&self, size: usize) -> Option<usize> {
        let padded = size + self.padding.0 + self.padding.1;
        (self.kernel > 0 && self.stride > 0 && padded >= self.kernel).then(|| (padded - self.kernel) / self.stride + 1)
    }

    /// The input that tap `tap` of output `at` reads; `None` if it falls on padding.
    pub(crate) fn input(&self, at: usize, tap: usize, size: usize) -> Option<usize> {
        (at * self.stride + tap).checked_sub(self.padding.0).filter(|&i| i < size)
    }
}
