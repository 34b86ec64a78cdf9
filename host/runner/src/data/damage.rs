//! What to do about packed data that is damaged.

use physrep_benchmarks::{Error as DataError, packed::mark_damaged};

use crate::error::Error;

/// Marks packed data that is damaged, so that the next run packs it again; the error says so.
pub(crate) fn pack_again(error: Error) -> Error {
    match error {
        Error::Data(DataError::Damaged { path, place, .. }) if mark_damaged(&path).is_ok() => {
            let advice = "run the same command again, which packs it again".into();
            Error::Data(DataError::Damaged { path, place, advice })
        }
        other => other,
    }
}
