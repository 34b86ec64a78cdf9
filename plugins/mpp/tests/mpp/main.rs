//! Tests of physrep-mpp: one module a concept, one binary for all.

mod config;
mod learning;
mod parity;
mod support;
mod symmetry;
