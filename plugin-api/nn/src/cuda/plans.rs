//! The plans for the kernels, one file per source in `kernels/`.

pub(crate) mod adamw;
pub(crate) mod attention;
pub(crate) mod convnext_mlp;
pub(crate) mod depthwise;
pub(crate) mod direct_conv;
pub(crate) mod im2col;
pub(crate) mod instance_norm;
pub(crate) mod layer_norm;
pub(crate) mod pointwise;
pub(crate) mod select_rows;
pub(crate) mod squared_error;
pub(crate) mod sums;
pub(crate) mod swap_axes;
