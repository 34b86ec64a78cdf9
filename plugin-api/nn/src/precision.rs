//! The precision of training.

use candle_core::{DType, Device, Result, Tensor, bail};
use serde::{Deserialize, Serialize};

/// How precisely a method computes on a GPU. Parameters, their gradients, the optimizer and losses are f32 always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// f32 throughout.
    #[default]
    F32,
    /// f32, but matrix products round their inputs to ten bits of mantissa.
    Tf32,
    /// Activations are bf16; sums are made in f32.
    Bf16,
}

impl Precision {
    /// Makes matrix products on `device` as precise as this, in the whole process, and gives the type of activations.
    ///
    /// # Errors
    /// On the CPU, which computes in f32 alone.
    pub fn activate(self, device: &Device) -> Result<DType> {
        if self != Self::F32 && !device.is_cuda() {
            bail!("precision {self:?} needs an NVIDIA card; on the CPU set it to \"f32\"");
        }
        #[cfg(feature = "cuda")]
        candle_core::cuda::set_gemm_reduced_precision_f32(self == Self::Tf32);
        Ok(if self == Self::Bf16 { DType::BF16 } else { DType::F32 })
    }
}

/// A tensor from which means may be taken, such as a loss: bf16, which would round them to three digits, becomes f32.
pub fn precise(x: &Tensor) -> Result<Tensor> {
    if x.dtype() == DType::BF16 { x.to_dtype(DType::F32) } else { Ok(x.clone()) }
}
