//! A ConvNeXt block of a few operations, for devices other than the CPU: what lies between matrix products and
//! convolution is fused into one operation each.

use candle_core::{CpuStorage, CudaStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::ConvNextBlock;
use crate::bias::add_bias;
use crate::cuda;
use crate::gelu::gelu;

const OP: &str = "convnext";

/// The block's result, `(B, T, H, W, C)` or `(B, H, W, C)` to the same shape.
pub(super) fn forward(block: &ConvNextBlock, x: &Tensor) -> Result<Tensor> {
    let [w1, b1] = block.pwconv1.tensors();
    let [w2, b2] = block.pwconv2.tensors();
    let y = block.norm.forward(&block.conv.forward(x)?)?;
    let rows = y.reshape(((), w2.dims()[0]))?;
    for weight in [w1, w2] {
        crate::flops::entered(rows.dims()[0] * weight.elem_count(), [&rows, weight]);
    }
    let wide = bias_gelu(&rows.matmul(&w1.to_dtype(x.dtype())?.t()?)?, b1)?;
    let narrow = wide.matmul(&w2.to_dtype(x.dtype())?.t()?)?.reshape(x.shape())?;
    residual(x, &narrow, b2, &block.gamma)
}

/// `gelu(x + bias)`.
fn bias_gelu(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    if x.device().is_cuda() { x.contiguous()?.apply_op2(bias, BiasGelu) } else { gelu(&add_bias(x, bias)?) }
}

/// `x + gamma (z + bias)`.
fn residual(x: &Tensor, z: &Tensor, bias: &Tensor, gamma: &Tensor) -> Result<Tensor> {
    if x.device().is_cuda() {
        let parameters = Tensor::cat(&[bias, gamma], 0)?;
        x.contiguous()?.apply_op3(&z.contiguous()?, &parameters, Residual)
    } else {
        x + add_bias(z, bias)?.broadcast_mul(gamma)?
    }
}

struct BiasGelu;

impl CustomOp2 for BiasGelu {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        bail!("{OP}: the fused bias and GELU are for CUDA")
    }

    fn cuda_fwd(&self, x: &CudaStorage, xl: &Layout, b: &CudaStorage, bl: &Layout) -> Result<(CudaStorage, Shape)> {
        cuda::run(&cuda::pointwise::bias_gelu(OP, xl.dims())?, [(x, xl), (b, bl)])
    }

    fn bwd(&self, x: &Tensor, bias: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dx = cuda::pointwise::bias_gelu_backward(OP, x.dims())?.on([x, bias, dy])?;
        let dbias = cuda::sums::columns(OP, x.dims())?.on([&dx])?;
        Ok((Some(dx), Some(dbias)))
    }
}

struct Residual;

impl CustomOp3 for Residual {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        bail!("{OP}: the fused end of a block is for CUDA")
    }

    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        xl: &Layout,
        z: &CudaStorage,
        zl: &Layout,
        p: &CudaStorage,
        pl: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        cuda::run(&cuda::pointwise::residual(OP, xl.dims())?, [(x, xl), (z, zl), (p, pl)])
    }

    fn bwd(
        &self,
        x: &Tensor,
        z: &Tensor,
        parameters: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dz = cuda::pointwise::residual_backward(OP, x.dims())?.on([dy, parameters])?;
        let dparameters = cuda::pointwise::residual_parameters(OP, x.dims())?.on([z, parameters, dy])?;
        Ok((Some(dy.clone()), Some(dz), Some(dparameters)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::{Params, Rng};

    #[test]
    fn agrees_with_the_block_in_one_operation_and_so_do_all_gradients() -> Result<()> {
        for (shape, kernel) in [(&[2, 3, 5, 4, 6][..], &[3, 3, 3][..]), (&[2, 9, 8, 5], &[7, 7])] {
            let params = Params::new(DType::F64, &Device::Cpu, 0);
            let block = ConvNextBlock::new(shape[shape.len() - 1], kernel, 0.5, params.clone())?;
            let mut rng = Rng::new(1, "test", 0);
            let x = candle_core::Var::from_tensor(&rng.normal(shape, DType::F64, &Device::Cpu)?)?;
            let projection = rng.normal(shape, DType::F64, &Device::Cpu)?;
            let run = |y: Tensor| -> Result<_> { Ok((y.clone(), (y * &projection)?.sum_all()?.backward()?)) };
            let (fused, fused_gradients) = run(block.forward(&x)?)?;
            let (composed, gradients) = run(forward(&block, &x)?)?;
            let distance = |a: &Tensor, b: &Tensor| (a - b)?.abs()?.max_all()?.to_scalar::<f64>();
            assert!(distance(&fused, &composed)? < 1e-12);
            for (name, var) in params.named().into_iter().chain([("x".to_string(), x.clone())]) {
                let (got, want) = (gradients.get(&var).unwrap(), fused_gradients.get(&var).unwrap());
                let scale = want.abs()?.max_all()?.to_scalar::<f64>()?;
                assert!(distance(got, want)? <= 1e-11 * scale, "{shape:?}: {name}");
            }
        }
        Ok(())
    }
}
