//! VideoMAE: the encoder against the paper's code, the mask and the target against their definitions, and training.

mod config;
mod grid;
mod mask;
mod model;
mod parity;
mod support;
mod target;
