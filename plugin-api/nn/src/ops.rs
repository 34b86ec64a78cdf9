//! Differentiable operations on tensors, without parameters of their own.
//!
//! A file checks shapes, counts the operations ([`flops`](crate::flops)), and dispatches: to the kernels of the same
//! name in `cpu/`, and to plans or fused operations in `cuda/`.

pub(crate) mod adamw;
mod add_bias;
mod attention_pool;
mod conv;
pub(crate) mod conv_norm;
pub(crate) mod convnext;
mod depthwise_conv;
mod gelu;
mod group_norm;
mod instance_norm;
mod layer_norm;
mod linear;
mod patches;
mod per_sample_conv;
mod positions;
mod precise;
mod self_attention;
mod softmax;
mod swap_axes;
pub(crate) mod transformer;
mod transposed_conv;

pub use add_bias::add_bias;
pub use attention_pool::attention_pool;
pub use conv::conv;
pub use depthwise_conv::depthwise_conv;
pub use gelu::gelu;
pub use group_norm::group_norm;
pub use instance_norm::{instance_norm, rms_instance_norm};
pub use layer_norm::layer_norm;
pub use linear::linear;
pub use patches::patches;
pub use per_sample_conv::{per_sample_conv, per_sample_depthwise_conv};
pub use positions::sincos_positions;
pub use precise::precise;
pub use self_attention::self_attention;
pub use softmax::softmax;
pub use swap_axes::swap_axes;
pub use transposed_conv::transposed_conv;
