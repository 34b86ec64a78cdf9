//! Several fits of one probe at once, for devices on which a step of one small network costs little more than starting it: the
//! parameters of all fits are stacked along a first axis, one network maps the batches of all fits, and each operation starts once
//! for all.
//!
//! Fit `k` has the initial weights, the order of windows and the learning rates of a fit by itself with seed `k`, and keeps its own
//! best epoch. Only the order of sums differs.

pub(super) mod attentive;
mod fits;
mod layers;
pub(super) mod mlp;
mod network;
mod parameters;
mod training;
