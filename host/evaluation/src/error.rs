//! Why a probe cannot be fitted or used.

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a probe cannot be fitted or used. Every message says what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An array's length contradicts its shape, or a size is zero.
    #[error("split `{split}`: {what}: expected {expected}, found {found}")]
    Shape {
        /// The split's name.
        split: String,
        /// The array or size concerned.
        what: &'static str,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A value is NaN or infinite.
    #[error(
        "split `{split}`: {what} of window {row} (trajectory {trajectory}): expected finite values, found {found}; \
         a representation that is not finite cannot be probed"
    )]
    NotFinite {
        /// The split's name.
        split: String,
        /// `embedding` or `label`.
        what: &'static str,
        /// The window, counted from 0 in the split.
        row: usize,
        /// The trajectory that the window is cut from.
        trajectory: u32,
        /// What was found.
        found: f32,
    },
    /// Two splits differ in what they must have in common.
    #[error("split `{split}`: {what}: expected {expected} as in split `{reference}`, found {found}")]
    Mismatch {
        /// The split that differs.
        split: String,
        /// The split that it is compared with.
        reference: String,
        /// What differs.
        what: &'static str,
        /// The value of the reference.
        expected: String,
        /// The value of the split.
        found: String,
    },
    /// A setting is outside its range.
    #[error("probe setting `{setting}`: expected {expected}, found {found}")]
    Setting {
        /// The setting's name in the suite file.
        setting: String,
        /// Its range.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// An eigendecomposition did not converge.
    #[error("the spectrum of the {rows} x {columns} matrix of pooled embeddings did not converge")]
    Decomposition {
        /// Windows.
        rows: usize,
        /// Width of a token.
        columns: usize,
    },
    /// The error of a probe is no longer finite in training.
    #[error(
        "{probe} probe: expected a finite error after epoch {epoch}, found {train} in training and {valid} on the \
         validation split; lower `{probe}.learning_rate` or look for extreme values in the embeddings"
    )]
    Diverged {
        /// The probe.
        probe: &'static str,
        /// The epoch, counted from 1.
        epoch: usize,
        /// Mean squared error of the epoch's batches.
        train: f64,
        /// Mean squared error on the validation split.
        valid: f64,
    },
    /// Predictions cannot be scored.
    #[error("split `scored`: {0}")]
    Scores(#[from] physrep_statistics::Error),
    /// A tensor operation of a probe with weights failed.
    #[error("probe: {0}")]
    Tensor(#[from] candle_core::Error),
    /// A clip cannot be described by the hand-made features.
    #[error("clip: {what}: expected {expected}, found {found}")]
    Clip {
        /// The property concerned.
        what: &'static str,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
}
