//! SIGReg, the regulariser of LeJEPA (arXiv:2511.08544): the distance of embeddings from an isotropic Gaussian. The
//! code of arXiv:2603.13227 calls it BCS.

use candle_core::{DType, Device, Result, Tensor, bail};

use crate::flops;
use crate::ops::precise;
use crate::rng::Rng;

/// The highest frequency at which characteristic functions are compared.
const HIGHEST: f64 = 4.0;
/// Frequencies above zero. At zero all characteristic functions are 1, and at negative frequencies they are the complex
/// conjugates.
const FREQUENCIES: usize = 8;

/// `count` random directions in `dim` dimensions, as unit columns `(dim, count)`.
pub fn directions(dim: usize, count: usize, rng: &mut Rng, dtype: DType, device: &Device) -> Result<Tensor> {
    let normal = rng.normal((dim, count), DType::F32, &Device::Cpu)?;
    let length = normal.sqr()?.sum_keepdim(0)?.sqrt()?;
    normal.broadcast_div(&length)?.to_dtype(dtype)?.to_device(device)
}

/// The statistic of Epps and Pulley (Biometrika 70, 1983) of rows `x (N, C)` along `directions (C, M)`, averaged over
/// these: `integral of |f(t) - g(t)|^2 g(t) dt` over `-4 < t < 4` by the trapezoidal rule at 17 points, with f the
/// characteristic function of the N projections and `g(t) = exp(-t^2 / 2)` that of the standard normal distribution. A
/// differentiable scalar, which is 0 if the projections are exactly normal.
///
/// # Errors
/// If the shapes do not fit, or are empty.
pub fn epps_pulley(x: &Tensor, directions: &Tensor) -> Result<Tensor> {
    let ((rows, channels), (along, count)) = (x.dims2()?, directions.dims2()?);
    if channels != along || rows * channels * count == 0 {
        bail!("sigreg: expected x (N, C) and directions (C, M), got {:?} and {:?}", x.dims(), directions.dims());
    }
    let (x, directions) = (precise(x)?, precise(directions)?);
    flops::matmul(&x, &directions);
    let step = HIGHEST / FREQUENCIES as f64;
    let angle = (x.matmul(&directions)? * step)?;
    let (cos, sin) = (angle.cos()?, angle.sin()?);
    let twice = (&cos * 2.0)?;
    // Cosine and sine of k times the angle, from those of k - 1 and k - 2 times.
    let (mut before, mut now) = ([cos.ones_like()?, sin.zeros_like()?], [cos, sin]);
    let mut terms = Vec::with_capacity(FREQUENCIES);
    for k in 1..=FREQUENCIES {
        let normal = (-0.5 * (k as f64 * step).powi(2)).exp();
        let [real, imaginary] = [now[0].mean(0)?, now[1].mean(0)?];
        let distance = ((real - normal)?.sqr()? + imaginary.sqr()?)?.mean_all()?;
        // The end points of the trapezoidal rule have half the weight, and every frequency stands for its negative as
        // well.
        let weight = normal * step * if k == FREQUENCIES { 1.0 } else { 2.0 };
        terms.push((distance * weight)?);
        if k < FREQUENCIES {
            let next = [0, 1].map(|i| (&twice * &now[i])? - &before[i]);
            let [cos, sin] = next;
            (before, now) = (now, [cos?, sin?]);
        }
    }
    Tensor::stack(&terms, 0)?.sum_all()
}
