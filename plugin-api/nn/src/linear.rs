//! The fully connected layer.

mod on_gpu;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::cpu::{by_dtype, slice, with_slice};
use crate::float::Float;
use crate::matmul::{AddOuter, Multiply, Panels, Rows, Start};
use crate::memory::zeros;
use crate::params::{Init, Params};
use crate::reduce::{add_in_order, column_sums};
use crate::simd::Isa;

const OP: &str = "linear";

/// `y = x weight^T + bias` on the last axis.
///
/// Parameters: `weight (out, in)`, `bias (out)`.
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// A layer with PyTorch's default initialisation.
    pub fn new(inputs: usize, outputs: usize, params: Params) -> Result<Self> {
        let init = Init::fan_in_uniform(inputs);
        Self::with_init(inputs, outputs, init, init, params)
    }

    /// A layer with its own initialisation of weight and bias.
    pub fn with_init(inputs: usize, outputs: usize, weight: Init, bias: Init, params: Params) -> Result<Self> {
        Ok(Self { weight: params.get((outputs, inputs), "weight", weight)?, bias: params.get(outputs, "bias", bias)? })
    }

    /// The layer's weight and bias.
    pub(crate) fn tensors(&self) -> [&Tensor; 2] {
        [&self.weight, &self.bias]
    }

    /// `(.., in)` to `(.., out)`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        linear(x, &self.weight, &self.bias)
    }
}

/// `x weight^T + bias` on the last axis, differentiable in all three tensors: `x (.., in)`, `weight (out, in)`,
/// `bias (out)`, to `(.., out)`.
pub fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (outputs, inputs) = weight.dims2()?;
    let Some((&channels, leading)) = x.dims().split_last() else {
        bail!("{OP}: expected an input (.., {inputs}), got a scalar");
    };
    if channels != inputs || x.elem_count() == 0 {
        bail!("{OP}: expected an input (.., {inputs}), got {:?}", x.dims());
    }
    if bias.dims() != [outputs] {
        bail!("{OP}: expected a bias ({outputs}), got {:?}", bias.dims());
    }
    let rows = x.contiguous()?.reshape(((), inputs))?;
    crate::flops::entered(rows.elem_count() * outputs, [&rows, weight]);
    let y = if x.device().is_cpu() {
        rows.apply_op3(&weight.contiguous()?, &bias.contiguous()?, Affine { inputs, outputs })?
    } else {
        on_gpu::linear(&rows, &weight.contiguous()?, &bias.contiguous()?)?
    };
    y.reshape([leading, &[outputs]].concat())
}

struct Affine {
    inputs: usize,
    outputs: usize,
}

/// Rows that one call of a kernel multiplies: they stay in the cache meanwhile.
const ROWS: usize = 48;

impl Affine {
    fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let panels = Panels::new(Isa::best(), self.inputs, self.outputs, |k, n| weight[n * self.inputs + k]);
        self.multiply(x, self.inputs, &panels, Start::Row(bias), self.outputs)
    }

    fn multiply<T: Float>(
        &self,
        x: &[T],
        inner: usize,
        panels: &Panels<T>,
        start: Start<'_, T>,
        columns: usize,
    ) -> Vec<T> {
        let isa = Isa::best();
        let mut y = zeros(x.len() / inner * columns);
        y.par_chunks_mut(ROWS * columns).zip(x.par_chunks(ROWS * inner)).for_each(|(out, x)| {
            isa.run(Multiply { rows: Rows::plain(x, inner), panels, start, out, out_stride: columns });
        });
        y
    }

    /// Gradients of x (if wanted), weight and bias.
    fn backward<T: Float>(&self, x: &[T], weight: &[T], dy: &[T], want_dx: bool) -> (Option<Vec<T>>, Vec<T>, Vec<T>) {
        let dx = want_dx.then(|| {
            let panels = Panels::new(Isa::best(), self.outputs, self.inputs, |k, n| weight[k * self.inputs + n]);
            self.multiply(dy, self.outputs, &panels, Start::Zero, self.inputs)
        });
        (dx, self.weight_gradient(x, dy), column_sums(dy, self.outputs))
    }

    /// Each task has some of the weight's rows, and where these are few, some of the rows of x: sums over the latter
    /// are added in order. Both numbers depend on the shapes alone.
    fn weight_gradient<T: Float>(&self, x: &[T], dy: &[T]) -> Vec<T> {
        const OUTPUTS: usize = 96;
        const TASKS: usize = 16;
        let isa = Isa::best();
        let rows = x.len() / self.inputs;
        let splits = (TASKS / self.outputs.div_ceil(OUTPUTS)).clamp(1, rows.div_ceil(ROWS));
        let per_split = rows.div_ceil(splits).next_multiple_of(ROWS);
        let elements = self.outputs * self.inputs;
        let mut partials = zeros(rows.div_ceil(per_split) * elements);
        partials
            .par_chunks_mut(elements)
            .zip(x.par_chunks(per_split * self.inputs).zip(dy.par_chunks(per_split * self.outputs)))
            .flat_map(|(sums, (x, dy))| {
                sums.par_chunks_mut(OUTPUTS * self.inputs).enumerate().map(move |(i, sums)| (i, sums, x, dy))
            })
            .for_each(|(i, sums, x, dy)| {
                for (x, dy) in x.chunks(ROWS * self.inputs).zip(dy.chunks(ROWS * self.outputs)) {
                    let rows = Rows {
                        data: dy,
                        count: dy.len() / self.outputs,
                        stride: self.outputs,
                        starts: &[i * OUTPUTS],
                        len: sums.len() / self.inputs,
                    };
                    isa.run(AddOuter { a: rows, b: x, sums });
                }
            });
        add_in_order(&partials, elements)
    }
}

impl CustomOp3 for Affine {
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
            let y = self.forward(x, slice(OP, weight, weight_layout)?, slice(OP, bias, bias_layout)?);
            Ok((T::to_cpu_storage_owned(y), Shape::from((x.len() / self.inputs, self.outputs))))
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
