//! Scaled dot-product attention among tokens.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::cpu::self_attention::Attention;
use crate::cpu::storage::{by_dtype, slice, with_slice};
use crate::cuda::fused::self_attention as fused;
use crate::flops;

const OP: &str = "self_attention";

/// `softmax(q k^T / sqrt(d) + bias) v` for each of `heads` heads of width `d = D / heads`, differentiable in both
/// tensors.
///
/// `qkv (B, N, 3 D)` holds queries, keys and values, concatenated, and each of these its heads, concatenated.
/// `bias (heads, N, N)` is added to the scores of all samples; its rows belong to the queries. The result is
/// `(B, N, D)`.
///
/// # Errors
/// If the shapes do not fit, or are empty.
pub fn self_attention(qkv: &Tensor, bias: Option<&Tensor>, heads: usize) -> Result<Tensor> {
    let (_, tokens, width) = qkv.dims3()?;
    if heads == 0 || !width.is_multiple_of(3 * heads) || qkv.elem_count() == 0 {
        bail!("{OP}: expected qkv (B, N, 3 D) with D a multiple of {heads} heads, got {:?}", qkv.dims());
    }
    if let Some(bias) = bias.filter(|bias| bias.dims() != [heads, tokens, tokens]) {
        bail!("{OP}: expected a bias ({heads}, {tokens}, {tokens}), got {:?}", bias.dims());
    }
    for _ in ["scores", "values"] {
        flops::entered(qkv.elem_count() / 3 * tokens, [qkv, qkv]);
    }
    if !qkv.device().is_cpu() {
        let bias = bias.map(|bias| bias.to_dtype(DType::F32)).transpose()?;
        return fused::self_attention(&qkv.contiguous()?, bias.as_ref(), heads);
    }
    let attention = Attention { tokens, heads, width: width / 3 / heads };
    let op = AttentionOp { attention, logs: OnceLock::new() };
    match bias {
        Some(bias) => qkv.contiguous()?.apply_op2(&bias.contiguous()?, op),
        // A bias without elements means no bias.
        None => qkv.contiguous()?.apply_op2(&Tensor::zeros(0, qkv.dtype(), qkv.device())?, op),
    }
}

struct AttentionOp {
    attention: Attention,
    /// Logarithm of the sum of the exponentials of each query's scores, `(B, heads, N)`, from the forward pass.
    logs: OnceLock<CpuStorage>,
}

impl CustomOp2 for AttentionOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        qkv: &CpuStorage,
        qkv_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, qkv.dtype(), T => {
            let qkv = slice::<T>(OP, qkv, qkv_layout)?;
            let bias = slice(OP, bias, bias_layout)?;
            let (y, logs) = self.attention.forward(qkv, (!bias.is_empty()).then_some(bias));
            self.logs.get_or_init(|| T::to_cpu_storage_owned(logs));
            let Attention { tokens, heads, width } = self.attention;
            let width = heads * width;
            Ok((T::to_cpu_storage_owned(y), Shape::from((qkv.len() / (3 * tokens * width), tokens, width))))
        })
    }

    fn bwd(&self, qkv: &Tensor, bias: &Tensor, y: &Tensor, dy: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let Some(logs) = self.logs.get() else { bail!("{OP}: the backward pass ran before the forward pass") };
        by_dtype!(OP, qkv.dtype(), T => {
            let logs = T::cpu_storage_as_slice(logs)?;
            let (dqkv, dbias) = with_slice::<T, _>(OP, qkv, |qkv| {
                with_slice(OP, bias, |bias| {
                    with_slice(OP, y, |y| {
                        let bias = (!bias.is_empty()).then_some(bias);
                        with_slice(OP, dy, |dy| Ok(self.attention.backward(qkv, bias, logs, y, dy)))
                    })
                })
            })?;
            let device = qkv.device();
            Ok((
                Some(Tensor::from_vec(dqkv, qkv.shape(), device)?),
                dbias.map(|dbias| Tensor::from_vec(dbias, bias.shape(), device)).transpose()?,
            ))
        })
    }
}
