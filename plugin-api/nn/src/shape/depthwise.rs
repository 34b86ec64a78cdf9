//! A depthwise convolution.

use std::ops::Range;

use candle_core::{Result, bail};

const OP: &str = "depthwise_conv";

/// A depthwise convolution with stride 1 and padding that keeps the size of the field.
#[derive(Clone, Copy)]
pub(crate) struct DepthwiseShape {
    pub(crate) batch: usize,
    /// T, H, W.
    pub(crate) size: [usize; 3],
    pub(crate) channels: usize,
    /// kt, kh, kw.
    pub(crate) kernel: [usize; 3],
}

impl DepthwiseShape {
    /// From the shapes of x `(B, T, H, W, C)`, weight `(C, 1, kt, kh, kw)` and bias `(C)`.
    ///
    /// # Errors
    /// If they do not fit each other, a kernel size is even, or x is empty.
    pub(crate) fn new(x: &[usize], weight: &[usize], bias: &[usize]) -> Result<Self> {
        let (&[batch, t, h, w, channels], &[c, one, kt, kh, kw]) = (x, weight) else {
            bail!("{OP}: expected five dimensions, got {x:?} and {weight:?}");
        };
        if c != channels || one != 1 || bias != [channels] {
            bail!(
                "{OP}: {channels} channels need weight ({channels}, 1, ..) and bias ({channels}), \
                 got {weight:?} and {bias:?}"
            );
        }
        if [kt, kh, kw].iter().any(|k| k % 2 == 0) {
            bail!("{OP}: kernel sizes must be odd, got {:?}", [kt, kh, kw]);
        }
        if x.contains(&0) {
            bail!("{OP}: the input is empty: {x:?}");
        }
        Ok(Self { batch, size: [t, h, w], channels, kernel: [kt, kh, kw] })
    }

    /// Positions of a row with its padding.
    pub(crate) fn padded_width(&self) -> usize {
        self.size[2] + self.kernel[2] - 1
    }

    /// Taps of the kernel.
    pub(crate) fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// The shape of the field, `(B, T, H, W, C)`.
    pub(crate) fn dims(&self) -> [usize; 5] {
        let [t, h, w] = self.size;
        [self.batch, t, h, w, self.channels]
    }

    /// Positions of all samples.
    pub(crate) fn positions(&self) -> usize {
        self.batch * self.size.iter().product::<usize>()
    }

    /// The taps along `axis` that fall on the input, not on padding, for the output position `at`.
    #[inline(always)]
    pub(crate) fn valid_taps(&self, axis: usize, at: usize) -> Range<usize> {
        let half = self.kernel[axis] / 2;
        half.saturating_sub(at)..self.kernel[axis].min(self.size[axis] + half - at)
    }
}
