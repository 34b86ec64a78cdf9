//! Tests of physrep-nn through its public API: one module per concept, one binary for all.

mod adamw;
mod add_bias;
mod attention_pool;
mod clip;
mod conv;
mod convnext;
mod cross_attention;
mod depthwise;
mod gelu;
#[cfg(feature = "cuda")]
mod gpu;
mod gradient_flow;
mod group_norm;
mod instance_norm;
mod layer_norm;
mod linear;
mod moving_average;
mod params;
mod parity;
mod per_sample_conv;
mod properties;
mod qk_norm;
mod rng;
mod schedule;
mod self_attention;
mod sigreg;
mod squared_error;
mod support;
mod swap_axes;
mod threads;
mod transformer;
mod transposed_conv;
mod vicreg;
