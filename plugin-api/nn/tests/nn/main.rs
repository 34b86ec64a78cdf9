//! Tests of physrep-nn: one module a concept, one binary for all.

mod attention;
mod conv;
mod depthwise;
mod gelu;
mod gradient_flow;
mod norm;
mod optim;
mod params;
mod parity;
mod pointwise;
mod rng;
mod schedule;
mod support;
mod threads;
mod vicreg;
