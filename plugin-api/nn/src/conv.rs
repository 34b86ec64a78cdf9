//! Dense convolution, 3-D and 2-D, channels-last: gather the patches, multiply by the weight.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::bias::add_bias;
use crate::cpu::{by_dtype, slice, with_slice};
use crate::float::Float;
use crate::params::{Init, Params};

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
    fn outputs(&self, size: usize) -> Option<usize> {
        let padded = size + self.padding.0 + self.padding.1;
        (self.kernel > 0 && self.stride > 0 && padded >= self.kernel).then(|| (padded - self.kernel) / self.stride + 1)
    }

    /// Which input the tap `tap` of output `at` reads; `None` where it reads a zero.
    fn input(&self, at: usize, tap: usize, size: usize) -> Option<usize> {
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
    if axes.len() == 2 {
        let axes = [Axis::patches(1), axes[0], axes[1]];
        return conv(&x.unsqueeze(1)?, &weight.unsqueeze(2)?, bias, &axes)?.squeeze(1);
    }
    if x.elem_count() == 0 {
        bail!("{OP}: the input is empty: {:?}", x.dims());
    }
    let axes = [axes[0], axes[1], axes[2]];
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
    // The same order of taps and channels as in a patch.
    let matrix = weight.permute([2, 3, 4, 1, 0])?.reshape((window.patch_len(), ()))?;
    let patches = x.contiguous()?.apply_op1(window)?;
    let y = add_bias(&patches.matmul(&matrix)?, bias)?;
    let [t, h, w] = outputs;
    y.reshape((b, t, h, w, ()))
}

/// Gathers what each output position sees: `(B, T, H, W, C)` to `(B T' H' W', kt kh kw C)`.
#[derive(Clone, Copy)]
struct Window {
    axes: [Axis; 3],
    /// T, H, W of the input.
    size: [usize; 3],
    /// T', H', W' of the output.
    outputs: [usize; 3],
    channels: usize,
}

impl Window {
    fn patch_len(&self) -> usize {
        self.axes.iter().map(|axis| axis.kernel).product::<usize>() * self.channels
    }

    /// Calls `f` with every tap (in time, height) that reads a row of input for the row
    /// `(t, h)` of output: its number, and that row's index within the sample.
    fn rows_read(&self, t: usize, h: usize, mut f: impl FnMut(usize, usize)) {
        let [time, height, _] = &self.axes;
        for dt in 0..time.kernel {
            for dh in 0..height.kernel {
                let source = time.input(t, dt, self.size[0]);
                let row = height.input(h, dh, self.size[1]);
                if let (Some(t), Some(h)) = (source, row) {
                    f(dt * height.kernel + dh, t * self.size[1] + h);
                }
            }
        }
    }

    fn gather<T: Float>(&self, x: &[T]) -> Vec<T> {
        let [to, ho, wo] = self.outputs;
        let (c, width) = (self.channels, self.axes[2]);
        let row_len = self.size[2] * c;
        let sample_len = self.size[0] * self.size[1] * row_len;
        let batch = x.len() / sample_len;
        let patch_len = self.patch_len();
        let mut patches = vec![T::zero(); batch * to * ho * wo * patch_len];
        patches.par_chunks_mut(wo * patch_len).enumerate().for_each(|(i, row)| {
            let sample = &x[i / (to * ho) * sample_len..][..sample_len];
            self.rows_read(i / ho % to, i % ho, |tap, source| {
                let source = &sample[source * row_len..][..row_len];
                for (w, patch) in row.chunks_exact_mut(patch_len).enumerate() {
                    for dw in 0..width.kernel {
                        if let Some(at) = width.input(w, dw, self.size[2]) {
                            patch[(tap * width.kernel + dw) * c..][..c].copy_from_slice(&source[at * c..][..c]);
                        }
                    }
                }
            });
        });
        patches
    }

    /// The transpose of [`gather`](Self::gather): adds every patch element to where it came from.
    fn scatter<T: Float>(&self, patches: &[T], batch: usize) -> Vec<T> {
        let [to, ho, wo] = self.outputs;
        let (c, width) = (self.channels, self.axes[2]);
        let row_len = self.size[2] * c;
        let sample_len = self.size[0] * self.size[1] * row_len;
        let patch_len = self.patch_len();
        let mut x = vec![T::zero(); batch * sample_len];
        x.par_chunks_mut(sample_len).zip(patches.par_chunks(to * ho * wo * patch_len)).for_each(|(sample, patches)| {
            for (i, row) in patches.chunks_exact(wo * patch_len).enumerate() {
                self.rows_read(i / ho, i % ho, |tap, source| {
                    let source = &mut sample[source * row_len..][..row_len];
                    for (w, patch) in row.chunks_exact(patch_len).enumerate() {
                        for dw in 0..width.kernel {
                            if let Some(at) = width.input(w, dw, self.size[2]) {
                                let from = &patch[(tap * width.kernel + dw) * c..][..c];
                                for (sum, value) in source[at * c..][..c].iter_mut().zip(from) {
                                    *sum += *value;
                                }
                            }
                        }
                    }
                });
            }
        });
        x
    }
}

impl CustomOp1 for Window {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, x.dtype(), T => {
            let patches = self.gather::<T>(slice(OP, x, layout)?);
            let shape = (patches.len() / self.patch_len(), self.patch_len());
            Ok((T::to_cpu_storage_owned(patches), shape.into()))
        })
    }

    fn bwd(&self, x: &Tensor, _patches: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        by_dtype!(OP, x.dtype(), T => {
            let dx = with_slice::<T, _>(OP, gradient, |g| Ok(self.scatter(g, x.dims()[0])))?;
            Ok(Some(Tensor::from_vec(dx, x.shape(), x.device())?))
        })
    }
}
