//! Convolution of each sample with its own 3x3 kernels, without zero padding.

mod dense;
mod depthwise;
mod grid;

pub(crate) use dense::Dense;
pub(crate) use depthwise::Depthwise;
pub(crate) use grid::{Grid, TAPS};
