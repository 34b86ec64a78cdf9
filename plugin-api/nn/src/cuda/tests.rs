//! Tests of the GPU code against the CPU's operations, on an emulated GPU.

mod adamw;
mod conv;
mod conv_norm;
mod convnext;
mod depthwise;
mod direct_conv;
mod handover;
mod im2col;
mod instance_norm;
mod launch_limits;
mod linear;
mod ptx;
mod rows;
mod self_attention;
mod squared_error;
mod support;
mod swap_axes;
mod transformer;
mod vicreg;
