//! Differentiable building blocks for encoders of physical fields, on candle tensors.
//!
//! Activations are channels-last, `(B, T, H, W, C)` in three dimensions and `(B, H, W, C)` in two:
//! a ConvNeXt block is then a depthwise convolution, a normalisation over the last axis and two
//! plain matrix products. Weights have PyTorch's shapes and names, so that checkpoints load as
//! they are.
//!
//! On the CPU all operations work in `f32` and `f64` (for gradient checks), on NVIDIA GPUs (cargo feature `cuda`) in
//! `f32`, and in `bf16` with `f32` parameters; they say so where they meet another type or device. Results do not
//! depend on the number of threads.

mod attention_pool;
mod cpu;
mod cuda;
mod float;
mod matmul;
mod mlp;
mod reduce;
mod simd;
mod squared_error;

pub mod attention;
pub mod bias;
pub mod clip;
pub mod conv;
pub mod convnext;
pub mod depthwise;
pub mod flops;
pub mod gelu;
pub mod gradients;
pub mod group_norm;
pub mod instance_norm;
pub mod linear;
pub mod memory;
pub mod moving_average;
pub mod norm;
pub mod optim;
pub mod params;
pub mod precision;
pub mod qk_norm;
pub mod relative_position;
pub mod rng;
pub mod sample_conv;
pub mod schedule;
pub mod self_attention;
pub mod sigreg;
pub mod swap;
pub mod transformer;
pub mod vicreg;

pub use attention::{CrossAttention, softmax};
pub use attention_pool::attention_pool;
pub use bias::add_bias;
pub use clip::{clip_gradients, squared_norms};
pub use conv::{
    Axis, Conv, conv,
    patches::patches,
    transposed::{TransposedConv, transposed_conv},
};
pub use convnext::{ConvNextBlock, ConvNextStage, decoder::ConvNextDecoder, encoder::ConvNextEncoder};
pub use depthwise::{DepthwiseConv, depthwise_conv};
pub use gelu::gelu;
pub use gradients::DirectGradients;
pub use group_norm::group_norm;
pub use instance_norm::{InstanceNorm, instance_norm, rms_instance_norm};
pub use linear::{Linear, linear};
pub use memory::keep_freed_memory;
pub use moving_average::MovingAverage;
pub use norm::{LayerNorm, layer_norm};
pub use optim::{AdamW, AdamWConfig};
pub use params::{Init, Params};
pub use precision::{Precision, precise};
pub use qk_norm::QkNorm;
pub use relative_position::RelativeBias;
pub use rng::Rng;
pub use sample_conv::{sample_conv, sample_depthwise_conv};
pub use schedule::CosineSchedule;
pub use self_attention::self_attention;
pub use simd::instruction_set;
pub use squared_error::mean_squared_error;
pub use swap::swap_axes;
pub use transformer::{SelfAttention, TransformerBlock, sincos_positions};
pub use vicreg::{VicReg, VicRegConfig, vicreg};
