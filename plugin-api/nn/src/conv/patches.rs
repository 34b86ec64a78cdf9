//! Patches as rows of a matrix: gathered from a field, and scattered back into one.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use super::{Axis, OP};
use crate::cpu::{by_dtype, slice, with_slice};
use crate::cuda;
use crate::float::Float;
use crate::memory::zeros;

/// Cuts a field into patches that touch but do not overlap, differentiable: `x (B, T, H, W, C)` and patches of `size`
/// `(kt, kh, kw)` give `(B, T/kt H/kh W/kw, kt kh kw C)`, in the order of time, height, width without and within.
///
/// A convolution of that kernel and stride is a linear layer on these rows, with its weight's channels moved to the end.
///
/// # Errors
/// If the patches do not fill the field.
pub fn patches(x: &Tensor, size: [usize; 3]) -> Result<Tensor> {
    let (batch, t, h, w, channels) = x.dims5()?;
    let field = [t, h, w];
    if x.elem_count() == 0 || size.iter().zip(field).any(|(&size, field)| size == 0 || !field.is_multiple_of(size)) {
        bail!("patches: expected x (B, T, H, W, C) that patches {size:?} fill, got {:?}", x.dims());
    }
    let outputs = [0, 1, 2].map(|axis| field[axis] / size[axis]);
    let window = Window { axes: size.map(Axis::patches), size: field, outputs, channels };
    x.contiguous()?.apply_op1(window)?.reshape((batch, outputs.iter().product::<usize>(), window.patch_len()))
}

/// Gathers what each output position sees: `(B, T, H, W, C)` to `(B T' H' W', kt kh kw C)`.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) axes: [Axis; 3],
    /// T, H, W of the input.
    pub(crate) size: [usize; 3],
    /// T', H', W' of the output.
    pub(crate) outputs: [usize; 3],
    pub(crate) channels: usize,
}

impl Window {
    pub(crate) fn patch_len(&self) -> usize {
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
        let mut patches = zeros(batch * to * ho * wo * patch_len);
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
    pub(crate) fn scatter<T: Float>(&self, patches: &[T], batch: usize) -> Vec<T> {
        let [to, ho, wo] = self.outputs;
        let (c, width) = (self.channels, self.axes[2]);
        let row_len = self.size[2] * c;
        let sample_len = self.size[0] * self.size[1] * row_len;
        let patch_len = self.patch_len();
        let mut x = zeros(batch * sample_len);
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

    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        cuda::run(&cuda::patches::gather(OP, self, layout.dims()[0])?, &[(x, layout)])
    }

    fn bwd(&self, x: &Tensor, _patches: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        if x.device().is_cuda() {
            return cuda::patches::scatter(OP, self, x.dims()[0])?.on([gradient]).map(Some);
        }
        by_dtype!(OP, x.dtype(), T => {
            let dx = with_slice::<T, _>(OP, gradient, |g| Ok(self.scatter(g, x.dims()[0])))?;
            Ok(Some(Tensor::from_vec(dx, x.shape(), x.device())?))
        })
    }
}
