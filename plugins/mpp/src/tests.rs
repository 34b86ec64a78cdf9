//! MPP: sizes, parity with the published code, symmetries, and training.

mod config;
mod learning;
mod parity;
mod support;
mod symmetry;
