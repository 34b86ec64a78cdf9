//! Tests of physrep-nn: one module a concept, one binary for all.

mod attention;
mod attention_pool;
mod bias;
mod clip;
mod conv;
mod convnext;
#[cfg(feature = "cuda")]
mod cuda;
mod depthwise;
mod gelu;
mod gradient_flow;
mod group_norm;
mod instance_norm;
mod moving_average;
mod norm;
mod optim;
mod params;
mod parity;
mod properties;
mod qk_norm;
mod relative_position;
mod rng;
mod sample_conv;
mod schedule;
mod self_attention;
mod sigreg;
mod squared_error;
mod support;
mod swap;
mod threads;
mod transformer;
mod transposed_conv;
mod vicreg;
