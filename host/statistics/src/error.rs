//! Why predictions cannot be scored.

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why predictions cannot be scored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An array's length contradicts its shape, or a size is zero.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// The array or size.
        what: &'static str,
        /// What was expected.
        expected: String,
        /// What was found.
        found: usize,
    },
    /// The windows of one trajectory carry different labels.
    #[error(
        "trajectory {trajectory}: expected one value of `{parameter}` for all its windows, found {first} and {other}"
    )]
    LabelVaries {
        /// The trajectory.
        trajectory: u32,
        /// The parameter's name.
        parameter: String,
        /// The first window's label.
        first: f32,
        /// The label of another window.
        other: f32,
    },
}
