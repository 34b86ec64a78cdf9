//! The shapes that operations, CPU kernels and GPU plans agree on: plain data, below all of them.

mod axis;
mod conv;
mod depthwise;
mod edge;
mod instance_norm;
mod window;

pub use axis::Axis;
pub(crate) use conv::ConvShape;
pub(crate) use depthwise::DepthwiseShape;
pub use edge::Edge;
pub(crate) use instance_norm::{InstanceNormScheme, LEAST_VARIATION};
pub(crate) use window::Window;
