//! Tests of the probes on data whose answers are known.

mod attentive;
mod features;
mod labelled;
mod probes;
mod ridge;
mod scikit_learn;
mod stacked;
