//! Instance normalisation: each channel of a map over the map's positions, forward and backward.
//!
//! Maps are channels-last, `(.., N, C)` with all positions along one axis, so that a row of channels fills registers and
//! nothing is moved.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::cpu::{by_dtype, slice, with_slice};
use crate::cuda;
use crate::float::Float;
use crate::gradients::hand_over;
use crate::memory::zeros;
use crate::params::{Init, Params};
use crate::reduce::add_in_order;
use crate::simd::{Isa, Kernel, Vector};

const OP: &str = "instance_norm";

/// [`instance_norm`] with a learned scale and shift.
///
/// Parameters: `weight (C)`, ones at first, and `bias (C)`, zeros at first.
pub struct InstanceNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
}

impl InstanceNorm {
    /// A layer for `channels` channels; `eps` is added to the variance.
    pub fn new(channels: usize, eps: f64, params: Params) -> Result<Self> {
        Ok(Self {
            weight: params.get(channels, "weight", Init::Const(1.0))?,
            bias: params.get(channels, "bias", Init::Const(0.0))?,
            eps,
        })
    }

    /// Maps `(.., N, C)` to the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        instance_norm(x, &self.weight, &self.bias, self.eps)
    }
}

/// `(x - mean) / sqrt(variance + eps) * weight + bias`, with mean and (biased) variance of each channel over the `N`
/// positions of its map; differentiable in all three tensors. `x (.., N, C)`, `weight (C)`, `bias (C)`.
pub fn instance_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    normalise(x, weight, Some(bias), Scheme { centred: true, eps })
}

/// `x / (deviation + eps) * weight`, with the (unbiased) standard deviation of each channel over the `N` positions of its
/// map; differentiable in both tensors. `x (.., N, C)` with `N` at least 2, `weight (C)`.
///
/// This is the "RMS" instance norm of Multiple Physics Pretraining (arXiv:2310.02994): the mean stays in the map, and
/// has no part in what the map is divided by.
pub fn rms_instance_norm(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
    normalise(x, weight, None, Scheme { centred: false, eps })
}

/// What is subtracted, and what divided by.
#[derive(Clone, Copy)]
pub(crate) struct Scheme {
    /// Whether the mean is subtracted; then the variance is the biased one and `eps` is added to it. Otherwise the
    /// deviation is the unbiased one and `eps` is added to that.
    pub(crate) centred: bool,
    pub(crate) eps: f64,
}

fn normalise(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, scheme: Scheme) -> Result<Tensor> {
    let least = if scheme.centred { 1 } else { 2 };
    let (positions, channels) = match *x.dims() {
        [.., n, c] if n >= least && x.elem_count() > 0 => (n, c),
        _ => bail!("{OP}: expected maps (.., N, C) of {least} or more positions N, got {:?}", x.dims()),
    };
    if weight.dims() != [channels] || bias.is_some_and(|bias| bias.dims() != [channels]) {
        bail!(
            "{OP}: expected weight and bias ({channels}) for maps {:?}, got {:?} and {:?}",
            x.dims(),
            weight.dims(),
            bias.map(Tensor::dims)
        );
    }
    let bias = match bias {
        Some(bias) => bias.contiguous()?,
        None => weight.zeros_like()?.detach(),
    };
    x.contiguous()?.apply_op3(&weight.contiguous()?, &bias, InstanceNormOp { positions, scheme })
}

struct InstanceNormOp {
    positions: usize,
    scheme: Scheme,
}

/// Of each channel of one map.
struct Moments<T> {
    /// What is subtracted, in the forward pass, and the mean itself.
    centre: Vec<T>,
    mean: Vec<T>,
    /// What is multiplied by.
    scale: Vec<T>,
    /// How `scale` changes with `x`: by this times `x - mean`.
    slope: Vec<T>,
}

#[inline(always)]
fn moments<T: Float>(x: &[T], channels: usize, Scheme { centred, eps }: Scheme) -> Moments<T> {
    let positions = x.len() / channels;
    let count = T::from_f64(positions as f64);
    let mut mean = vec![T::zero(); channels];
    for row in x.chunks_exact(channels) {
        for (sum, &x) in mean.iter_mut().zip(row) {
            *sum += x;
        }
    }
    for mean in &mut mean {
        *mean /= count;
    }
    let mut scale = vec![T::zero(); channels];
    for row in x.chunks_exact(channels) {
        for ((sum, &mean), &x) in scale.iter_mut().zip(&mean).zip(row) {
            *sum += (x - mean) * (x - mean);
        }
    }
    let mut slope = vec![T::zero(); channels];
    let (eps, degrees) = (T::from_f64(eps), T::from_f64(positions as f64 - 1.0));
    for (scale, slope) in scale.iter_mut().zip(&mut slope) {
        if centred {
            *scale = T::one() / Float::sqrt(*scale / count + eps);
            *slope = T::zero() - *scale * *scale * *scale / count;
        } else {
            let deviation = Float::sqrt(*scale / degrees);
            *scale = T::one() / (deviation + eps);
            // A constant channel has no slope to either side.
            if deviation > T::zero() {
                *slope = T::zero() - *scale * *scale / (degrees * deviation);
            }
        }
    }
    let centre = if centred { mean.clone() } else { vec![T::zero(); channels] };
    Moments { centre, mean, scale, slope }
}

struct Forward<'a, T> {
    x: &'a [T],
    weight: &'a [T],
    bias: &'a [T],
    scheme: Scheme,
    y: &'a mut [T],
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let channels = self.weight.len();
        let Moments { centre, mut scale, .. } = moments(self.x, channels, self.scheme);
        for (scale, &weight) in scale.iter_mut().zip(self.weight) {
            *scale *= weight;
        }
        for (y, x) in self.y.chunks_exact_mut(channels).zip(self.x.chunks_exact(channels)) {
            for ((((y, &x), &centre), &scale), &bias) in y.iter_mut().zip(x).zip(&centre).zip(&scale).zip(self.bias) {
                *y = (x - centre).mul_add(scale, bias, V::FUSED);
            }
        }
    }
}

/// The gradient of one map, and what the map adds to those of weight and bias.
struct Backward<'a, T> {
    x: &'a [T],
    weight: &'a [T],
    scheme: Scheme,
    dy: &'a [T],
    dx: &'a mut [T],
    /// Weight's, then bias's; zeros before.
    sums: &'a mut [T],
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let channels = self.weight.len();
        let count = T::from_f64((self.x.len() / channels) as f64);
        let Moments { centre, mean, scale, mut slope } = moments(self.x, channels, self.scheme);
        let (along_x, along_one) = self.sums.split_at_mut(channels);
        for (x, dy) in self.x.chunks_exact(channels).zip(self.dy.chunks_exact(channels)) {
            for ((((along_x, along_one), &x), &dy), &centre) in
                along_x.iter_mut().zip(along_one.iter_mut()).zip(x).zip(dy).zip(&centre)
            {
                *along_x = dy.mul_add(x - centre, *along_x, V::FUSED);
                *along_one += dy;
            }
        }
        // dx = direct * dy + slope * (x - mean) + shift
        let mut direct = vec![T::zero(); channels];
        let mut shift = vec![T::zero(); channels];
        for c in 0..channels {
            direct[c] = scale[c] * self.weight[c];
            slope[c] *= self.weight[c] * along_x[c];
            if self.scheme.centred {
                shift[c] = T::zero() - direct[c] * along_one[c] / count;
            }
            along_x[c] *= scale[c];
        }
        let rows = self.x.chunks_exact(channels).zip(self.dy.chunks_exact(channels));
        for (dx, (x, dy)) in self.dx.chunks_exact_mut(channels).zip(rows) {
            for c in 0..channels {
                let rest = (x[c] - mean[c]).mul_add(slope[c], shift[c], V::FUSED);
                dx[c] = dy[c].mul_add(direct[c], rest, V::FUSED);
            }
        }
    }
}

impl InstanceNormOp {
    fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let isa = Isa::best();
        let map = self.positions * weight.len();
        let mut y = zeros(x.len());
        y.par_chunks_mut(map)
            .zip(x.par_chunks(map))
            .for_each(|(y, x)| isa.run(Forward { x, weight, bias, scheme: self.scheme, y }));
        y
    }

    /// Gradients of x, weight and bias.
    fn backward<T: Float>(&self, x: &[T], weight: &[T], dy: &[T]) -> (Vec<T>, Vec<T>, Vec<T>) {
        let isa = Isa::best();
        let channels = weight.len();
        let map = self.positions * channels;
        let mut dx = zeros(x.len());
        let mut partials = zeros(x.len() / map * 2 * channels);
        dx.par_chunks_mut(map)
            .zip(partials.par_chunks_mut(2 * channels))
            .zip(x.par_chunks(map).zip(dy.par_chunks(map)))
            .for_each(|((dx, sums), (x, dy))| isa.run(Backward { x, weight, scheme: self.scheme, dy, dx, sums }));
        let mut dweight = add_in_order(&partials, 2 * channels);
        let dbias = dweight.split_off(channels);
        (dx, dweight, dbias)
    }
}

impl CustomOp3 for InstanceNormOp {
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
            Ok((T::to_cpu_storage_owned(y), x_layout.shape().clone()))
        })
    }

    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        x_layout: &Layout,
        weight: &CudaStorage,
        weight_layout: &Layout,
        bias: &CudaStorage,
        bias_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let plan = cuda::instance::forward(OP, x_layout.dims(), self.scheme)?;
        cuda::run(&plan, &[(x, x_layout), (weight, weight_layout), (bias, bias_layout)])
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        if x.device().is_cuda() {
            let plan = cuda::instance::backward(OP, x.dims(), self.scheme)?;
            let [dx, both] = plan.outputs_on([x, weight, dy])?;
            let dbias = if self.scheme.centred { Some(both.get(1)?) } else { None };
            return Ok((Some(dx), hand_over(weight, Some(both.get(0)?))?, hand_over(bias, dbias)?));
        }
        by_dtype!(OP, x.dtype(), T => {
            let (dx, dweight, dbias) = with_slice::<T, _>(OP, x, |x| {
                with_slice(OP, weight, |weight| with_slice(OP, dy, |dy| Ok(self.backward(x, weight, dy))))
            })?;
            let device = x.device();
            let dbias = match self.scheme.centred {
                true => Some(Tensor::from_vec(dbias, bias.shape(), device)?),
                false => None,
            };
            Ok((
                Some(Tensor::from_vec(dx, x.shape(), device)?),
                Some(Tensor::from_vec(dweight, weight.shape(), device)?),
                dbias,
            ))
        })
    }
}
