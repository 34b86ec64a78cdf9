//! The kernels for CPUs: loops on slices of `f32` or `f64`, parallel with rayon, in vector registers where that pays.
//!
//! A file holds the kernels of the operation of the same name in `ops/` (`depthwise` those of `depthwise_conv`). What
//! several of them use: [`simd`] (vector registers and the choice of the instruction set), [`scalar`] (arithmetic of one
//! element), [`matmul`], [`reduce`] (sums in a fixed order), [`zeros`], and [`storage`] (slices of candle tensors).
//!
//! How work is split into tasks depends on shapes alone, and partial sums are added in a fixed order, so results do not
//! depend on the number of threads.

pub(crate) mod adamw;
pub(crate) mod add_bias;
pub(crate) mod attention_pool;
pub(crate) mod conv;
pub(crate) mod convnext;
pub(crate) mod convnext_mlp;
pub(crate) mod depthwise;
pub(crate) mod gelu;
pub(crate) mod group_norm;
pub(crate) mod im2col;
pub(crate) mod instance_norm;
pub(crate) mod layer_norm;
pub(crate) mod linear;
pub(crate) mod matmul;
pub(crate) mod per_sample_conv;
pub(crate) mod reduce;
pub(crate) mod scalar;
pub(crate) mod self_attention;
pub(crate) mod simd;
pub(crate) mod squared_error;
pub(crate) mod storage;
pub(crate) mod swap_axes;
pub(crate) mod zeros;
