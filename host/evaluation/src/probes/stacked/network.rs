//! What stacked fits train.

use candle_core::{Device, Result, Tensor};

use crate::labelled::LabelledEmbeddings;

/// The networks of all fits of a probe, as one.
pub(in crate::probes) trait Network {
    /// What the networks get from a split, `(N, ...)`, on a device.
    fn inputs(&self, split: &LabelledEmbeddings, device: &Device) -> Result<Tensor>;

    /// Inputs `(fits, B, ...)`, or `(1, B, ...)` where they are the same for all fits, to labels `(fits, B, P)`.
    fn forward(&self, inputs: &Tensor) -> Result<Tensor>;
}
