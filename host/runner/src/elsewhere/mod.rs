//! Embeddings made elsewhere: clips go out without labels, and embeddings of them come back in a file.
//!
//! ```text
//! export:  windows in the order of encoding -> clips.npy, identifiers.npy, windows.json
//! score:   file -> arrays -> rows by identifier -> embedding cache of a cell
//! ```
//!
//! From the embedding cache on, such a cell is run as any other.

mod coverage;
mod export;
mod identifiers;
mod npy;
mod npz;
mod returned;
mod score;

pub use export::{ExportedWindows, export_windows};
pub use returned::ReturnedEmbeddings;
pub use score::{ScoreTask, ScoringSettings};
