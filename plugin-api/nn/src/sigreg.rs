//! How far embeddings are from an isotropic Gaussian: the regulariser of LeJEPA (arXiv:2511.08544), SIGReg, which the code
//! of arXiv:2603.13227 calls BCS.

use candle_core::{DType, Device, Result, Tensor, bail};

use crate::precision::precise;
use crate::rng::Rng;

/// The farthest frequency at which characteristic functions are compared.
const FARTHEST: f64 = 4.0;
/// Frequencies above zero. At zero all characteristic functions are 1, and below it they are those above, conjugate.
const FREQUENCIES: usize = 8;

/// `count` random directions in `dim` dimensions, as the columns `(dim, count)` of length 1.
pub fn directions(dim: usize, count: usize, rng: &mut Rng, dtype: DType, device: &Device) -> Result<Tensor> {
    let normal = rng.normal((dim, count), DType::F32, &Device::Cpu)?;
    let length = normal.sqr()?.sum_keepdim(0)?.sqrt()?;
    normal.broadcast_div(&length)?.to_dtype(dtype)?.to_device(device)
}

/// The statistic of Epps and Pulley (Biometrika 70, 1983) of rows `x (N, C)` along `directions (C, M)`, averaged over
/// these: `integral of |f(t) - g(t)|^2 g(t) dt` over `-4 < t < 4` by the trapezoidal rule at 17 points, with f the
/// characteristic function of the N projections and `g(t) = exp(-t^2 / 2)` that of the standard normal distribution. A
/// scalar with a gradient, 0 where the rows' projections are exactly normal.
///
/// # Errors
/// If shapes do not fit.
pub fn epps_pulley(x: &Tensor, directions: &Tensor) -> Result<Tensor> {
    let ((rows, channels), (along, count)) = (x.dims2()?, directions.dims2()?);
    if channels != along || rows * channels * count == 0 {
        bail!("sigreg: expected x (N, C) and directions (C, M), got {:?} and {:?}", x.dims(), directions.dims());
    }
    let (x, directions) = (precise(x)?, precise(directions)?);
    crate::flops::matmul(&x, &directions);
    let step = FARTHEST / FREQUENCIES as f64;
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
        // Both ends of the trapezoidal rule count half, and every frequency stands for its negative, too.
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
