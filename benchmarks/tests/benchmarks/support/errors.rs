//! What an error says.

use physrep_benchmarks::{Error, Result};

/// The message of an error, which has to be one line with all of `parts` in it.
#[track_caller]
pub fn says<T>(result: Result<T>, parts: &[&str]) -> Error {
    let Err(error) = result else { panic!("there should be an error with {parts:?}") };
    let message = error.to_string();
    assert!(!message.contains('\n'), "{message:?} has several lines");
    for part in parts {
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    }
    error
}
