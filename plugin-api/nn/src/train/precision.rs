//! The precision of training.

use candle_core::{DType, Device, Result, bail};
use serde::{Deserialize, Serialize};

/// The precision of activations and matrix products on a GPU. Parameters, their gradients, the optimizer and losses are
/// always f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// f32 throughout.
    #[default]
    F32,
    /// f32, with the inputs of matrix products rounded to ten bits of mantissa.
    Tf32,
    /// bf16 activations; sums are computed in f32.
    Bf16,
}

impl Precision {
    /// Sets the precision of matrix products on `device` for the whole process, and returns the type of activations.
    ///
    /// # Errors
    /// For a precision other than f32 on the CPU.
    pub fn activate(self, device: &Device) -> Result<DType> {
        if self != Self::F32 && !device.is_cuda() {
            bail!("precision {self:?} needs an NVIDIA GPU: on the CPU set it to \"f32\"");
        }
        #[cfg(feature = "cuda")]
        candle_core::cuda::set_gemm_reduced_precision_f32(self == Self::Tf32);
        Ok(if self == Self::Bf16 { DType::BF16 } else { DType::F32 })
    }
}
