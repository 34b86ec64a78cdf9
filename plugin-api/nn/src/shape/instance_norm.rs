//! The two variants of instance normalisation.

/// The variant of the normalisation.
#[derive(Clone, Copy)]
pub(crate) struct InstanceNormScheme {
    /// If so, `(x - mean) / sqrt(biased variance + eps)`; otherwise `x / (unbiased standard deviation + eps)`.
    pub(crate) centred: bool,
    pub(crate) eps: f64,
}

/// If the mean stays in the map, the standard deviation of a channel counts as at least this part of its mean: less is round-off, and
/// dividing by it again and again overflows.
pub(crate) const LEAST_VARIATION: f64 = 1.0 / (1 << 20) as f64;
