//! The two variants of instance normalisation.

/// The variant of the normalisation.
#[derive(Clone, Copy)]
pub(crate) struct InstanceNormScheme {
    /// If so, `(x - mean) / sqrt(biased variance + eps)`; otherwise `x / (unbiased standard deviation + eps)`.
    pub(crate) centred: bool,
    pub(crate) eps: f64,
}
