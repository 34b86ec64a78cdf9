//! The type of sums and means.

use candle_core::{DType, Result, Tensor};

/// `x` in a type in which means, such as losses, may be computed: bf16 becomes f32, since bf16 would round them to
/// three digits.
pub fn precise(x: &Tensor) -> Result<Tensor> {
    if x.dtype() == DType::BF16 { x.to_dtype(DType::F32) } else { Ok(x.clone()) }
}
