//! Dense convolution, 3-D and 2-D, channels-last.

pub(crate) mod kernel;
mod normalised;
mod on_gpu;
pub(crate) mod patches;
pub(crate) mod transposed;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::cpu::{by_dtype, slice, with_slice};
use crate::params::{Init, Params};

use kernel::Convolution;
use patches::Window;

const OP: &str = "conv";

/// How a convolution's kernel moves along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Size of the kernel.
    pub kernel: usize,
    /// Step between outputs.
    pub stride: usize,
    /// Zeros before and after the input.
    pub padding: (usize, usize),
}

impl Axis {
    /// Kernel `kernel`, stride 1, as many zeros as keep the size: for an even kernel one more
    /// after than before, as `padding='same'` in PyTorch.
    pub fn same(kernel: usize) -> Self {
        let total = kernel.saturating_sub(1);
        Self { kernel, stride: 1, padding: (total / 2, total - total / 2) }
    }

    /// Kernel `kernel`, stride 1, `padding` zeros on either side.
    pub fn padded(kernel: usize, padding: usize) -> Self {
        Self { kernel, stride: 1, padding: (padding, padding) }
    }

    /// Patches that touch but do not overlap; what is left over at the end is dropped.
    pub fn patches(size: usize) -> Self {
        Self { kernel: size, stride: size, padding: (0, 0) }
    }

    /// How many outputs `size` inputs give; none if the kernel does not fit once.
    pub(crate) fn outputs(&self, size: usize) -> Option<usize> {
        let padded = size + self.padding.0 + self.padding.1;
        (self.kernel > 0 && self.stride > 0 && padded >= self.kernel).then(|| (padded - self.kernel) / self.stride + 1)
    }

    /// Which input the tap `tap` of output `at` reads; `None` where it reads a zero.
    pub(crate) fn input(&self, at: usize, tap: usize, size: usize) -> Option<usize> {
        (at * self.stride + tap).checked_sub(self.padding.0).filter(|&i| i < size)
    }
}

/// A dense convolution layer with bias.
///
/// Parameters: `weight (O, I, kt, kh, kw)` or `(O, I, kh, kw)`, `bias (O)`; PyTorch's default
/// initialisation.
pub struct Conv {
    axes: Vec<Axis>,
    weight: Tensor,
    bias: Tensor,
}

impl Conv {
    /// A layer from `inputs` to `outputs` channels; `axes` holds time, height, width, or height
    /// and width.
    pub fn new(inputs: usize, outputs: usize, axes: &[Axis], params: Params) -> Result<Self> {
        let kernel: Vec<usize> = axes.iter().map(|axis| axis.kernel).collect();
        let init = Init::fan_in_uniform(inputs * kernel.iter().product::<usize>());
        let shape = [&[outputs, inputs], kernel.as_slice()].concat();
        Ok(Self {
            axes: axes.to_vec(),
            weight: params.get(shape, "weight", init)?,
            bias: params.get(outputs, "bias", init)?,
        })
    }

    /// `(B, T, H, W, I)` to `(B, T', H', W', O)`, or `(B, H, W, I)` to `(B, H', W', O)`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        conv(x, &self.weight, &self.bias, &self.axes)
    }
}

/// A convolution, differentiable in all three tensors. With three axes `x (B, T, H, W, I)` and
/// `weight (O, I, kt, kh, kw)`, with two `x (B, H, W, I)` and `weight (O, I, kh, kw)`; `bias (O)`.
pub fn conv(x: &Tensor, weight: &Tensor, bias: &Tensor, axes: &[Axis]) -> Result<Tensor> {
    check(x, weight, axes)?;
    if axes.len() == 2 {
        let axes = [Axis::patches(1), axes[0], axes[1]];
        return conv(&x.unsqueeze(1)?, &weight.unsqueeze(2)?, bias, &axes)?.squeeze(1);
    }
    let convolution = enter([x, weight, bias], [axes[0], axes[1], axes[2]])?;
    let (x, bias) = (x.contiguous()?, bias.contiguous()?);
    match x.device().is_cpu() {
        true => x.apply_op3(&weight.contiguous()?, &bias, convolution),
        false => on_gpu::conv(&x, weight, &bias, convolution),
    }
}

/// Whether x, weight and axes go together.
fn check(x: &Tensor, weight: &Tensor, axes: &[Axis]) -> Result<()> {
    let rank = axes.len() + 2;
    if !(axes.len() == 2 || axes.len() == 3)
        || x.rank() != rank
        || weight.rank() != rank
        || weight.dims()[1] != x.dims()[rank - 1]
        || !axes.iter().map(|axis| axis.kernel).eq(weight.dims()[2..].iter().copied())
    {
        bail!(
            "{OP}: expected x (B, .., I) and weight (O, I, ..) with the kernel sizes of {axes:?}, \
             got {:?} and {:?}",
            x.dims(),
            weight.dims()
        );
    }
    Ok(())
}

/// The convolution of tensors that were checked, which is counted as begun.
fn enter([x, weight, bias]: [&Tensor; 3], axes: [Axis; 3]) -> Result<Convolution> {
    if x.elem_count() == 0 {
        bail!("{OP}: the input is empty: {:?}", x.dims());
    }
    let (b, t, h, w, channels) = x.dims5()?;
    let size = [t, h, w];
    let mut outputs = [0; 3];
    for ((out, axis), size) in outputs.iter_mut().zip(&axes).zip(size) {
        *out = match axis.outputs(size) {
            Some(outputs) => outputs,
            None => bail!("{OP}: {axis:?} does not fit an input of shape {:?}", x.dims()),
        };
    }
    let window = Window { axes, size, outputs, channels };
    crate::flops::conv(x, weight, &axes, weight.dims()[0] * channels);
    let convolution = Convolution { window, batch: b, filters: weight.dims()[0] };
    if bias.dims() != [convolution.filters] {
        bail!("{OP}: expected a bias ({}), got {:?}", convolution.filters, bias.dims());
    }
    Ok(convolution)
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, x.dtype(), T => {
            let x = slice::<T>(OP, x, x_layout)?;
            let weight = slice(OP, weight, weight_layout)?;
            let bias = slice(OP, bias, bias_layout)?;
            let [t, h, w] = self.window.outputs;
            let y = self.forward(x, weight, bias);
            Ok((T::to_cpu_storage_owned(y), Shape::from((self.batch, t, h, w, self.filters))))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        by_dtype!(OP, x.dtype(), T => {
            let (dx, dweight, dbias) = with_slice::<T, _>(OP, x, |xs| {
                with_slice(OP, weight, |weight| {
                    with_slice(OP, dy, |dy| Ok(self.backward(xs, weight, dy, x.track_op())))
                })
            })?;
            let device = x.device();
            Ok((
                dx.map(|dx| Tensor::from_vec(dx, x.shape(), device)).transpose()?,
                Some(Tensor::from_vec(dweight, weight.shape(), device)?),
                Some(Tensor::from_vec(dbias, bias.shape(), device)?),
            ))
        })
    }
}
