//! Why a table, page or picture cannot be made.

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a table, page or picture cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The files of a run cannot be read, or what is made from them cannot be written.
    #[error(transparent)]
    Records(#[from] physrep_records::Error),
    /// What was asked for does not exist or cannot be compared.
    #[error("{0}")]
    Usage(String),
    /// A picture cannot be encoded.
    #[error("{what}: cannot be encoded as PNG: {source}")]
    Png {
        /// The picture.
        what: String,
        /// The encoder's reason.
        source: png::EncodingError,
    },
    /// Values cannot be written as CSV.
    #[error("{what}: cannot be written as CSV: {source}")]
    Csv {
        /// What the values are of.
        what: String,
        /// The writer's reason.
        source: csv::Error,
    },
}

impl Error {
    /// Turns an encoder's error into one that names the picture; for `map_err`.
    pub(crate) fn png(what: impl Into<String>) -> impl FnOnce(png::EncodingError) -> Self {
        let what = what.into();
        move |source| Self::Png { what, source }
    }
}
