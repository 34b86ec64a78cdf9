//! Modules with parameters. Each takes its parameters from [`Params`](crate::Params), under PyTorch's names, and
//! applies an operation of `ops/`.

mod conv;
mod convnext;
mod convnext_decoder;
mod convnext_encoder;
mod cross_attention;
mod depthwise_conv;
mod instance_norm;
mod layer_norm;
mod linear;
mod qk_norm;
mod relative_position;
mod self_attention;
mod transformer;
mod transposed_conv;

pub use conv::Conv;
pub use convnext::{ConvNextBlock, ConvNextStage};
pub use convnext_decoder::ConvNextDecoder;
pub use convnext_encoder::ConvNextEncoder;
pub use cross_attention::CrossAttention;
pub use depthwise_conv::DepthwiseConv;
pub use instance_norm::InstanceNorm;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use qk_norm::QkNorm;
pub use relative_position::RelativeBias;
pub use self_attention::SelfAttention;
pub use transformer::TransformerBlock;
pub use transposed_conv::TransposedConv;
