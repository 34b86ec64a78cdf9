//! Placeholder.

pub mod probe;
