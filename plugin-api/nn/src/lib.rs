#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod cpu;
mod cuda;
mod init;
mod layers;
mod memory;
mod objectives;
mod ops;
mod params;
mod rng;
mod shape;
mod train;

pub mod flops;

pub use cpu::simd::instruction_set;
pub use init::Init;
pub use layers::{
    Conv, ConvNextBlock, ConvNextDecoder, ConvNextEncoder, ConvNextStage, CrossAttention, DepthwiseConv, InstanceNorm,
    LayerNorm, Linear, QkNorm, RelativeBias, SelfAttention, TransformerBlock, TransposedConv,
};
pub use memory::retain_heap_memory;
pub use objectives::{VicReg, VicRegConfig, mean_squared_error, sigreg, vicreg};
pub use ops::{
    add_bias, attention_pool, conv, depthwise_conv, gelu, group_norm, instance_norm, layer_norm, linear, patches,
    per_sample_conv, per_sample_depthwise_conv, precise, rms_instance_norm, self_attention, sincos_positions, softmax,
    swap_axes, transposed_conv,
};
pub use params::Params;
pub use rng::Rng;
pub use shape::{Axis, Edge};
pub use train::{
    AdamW, AdamWConfig, CosineSchedule, DirectGradients, MovingAverage, Precision, clip_gradients, squared_norms,
};
