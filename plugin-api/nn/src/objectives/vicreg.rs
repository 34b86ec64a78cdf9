//! The VICReg loss: two embeddings of the same object shall agree, vary, and not be redundant.

use candle_core::{D, Result, Tensor, bail};
use serde::{Deserialize, Serialize};

use crate::cuda::fused::vicreg as fused;
use crate::flops;
use crate::ops::precise;

/// The weights of the terms, and the number of chunks of rows. The default is that of arXiv:2603.13227.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VicRegConfig {
    /// Weight of the mean squared distance.
    pub invariance: f64,
    /// Weight of the hinge on the standard deviations.
    pub variance: f64,
    /// Weight of the off-diagonal covariances.
    pub covariance: f64,
    /// Number of chunks, as `torch.chunk` makes them: equal, the last one shorter.
    pub chunks: usize,
}

impl Default for VicRegConfig {
    fn default() -> Self {
        Self { invariance: 2.0, variance: 40.0, covariance: 2.0, chunks: 5 }
    }
}

/// The loss and its terms, each averaged over the chunks; all are differentiable scalars.
#[derive(Clone, Debug)]
pub struct VicReg {
    /// The weighted sum of the terms.
    pub total: Tensor,
    /// Mean squared distance of x and y.
    pub invariance: Tensor,
    /// `relu(1 - standard deviation) / 2`, averaged over the channels; of x and of y.
    pub variance: [Tensor; 2],
    /// Sum of squared off-diagonal covariances over the number of channels; of x and of y.
    pub covariance: [Tensor; 2],
}

/// VICReg (Bardes, Ponce & LeCun, ICLR 2022) on rows: `x` and `y (N, C)` are two embeddings of the
/// same N objects.
///
/// The rows are permuted by `permutation`, a permutation of `0..N`, and cut into chunks; the terms are computed in each
/// chunk and averaged. Standard deviations are `sqrt(variance + 1e-4)` with the biased variance; covariances are
/// divided by the number of rows minus one.
///
/// # Errors
/// If the shapes do not fit, or there are no chunks.
pub fn vicreg(x: &Tensor, y: &Tensor, permutation: &[u32], config: &VicRegConfig) -> Result<VicReg> {
    let (rows, channels) = x.dims2()?;
    if y.dims() != x.dims() || permutation.len() != rows || rows * channels == 0 {
        bail!(
            "vicreg: expected x and y (N, C) and a permutation of N, got {:?}, {:?} and {}",
            x.dims(),
            y.dims(),
            permutation.len()
        );
    }
    if config.chunks == 0 {
        bail!("vicreg: the number of chunks must be at least 1");
    }
    let (x, y) = (precise(x)?, precise(y)?);
    if !x.device().is_cpu() {
        return weighted(&fused::terms(&x, &y, permutation, config.chunks)?, config);
    }
    let order = Tensor::new(permutation, x.device())?;
    let (x, y) = (x.index_select(&order, 0)?, y.index_select(&order, 0)?);
    let size = rows.div_ceil(config.chunks);
    let count = rows.div_ceil(size);
    let mut terms = Vec::with_capacity(count);
    for first in (0..rows).step_by(size) {
        let len = size.min(rows - first);
        let (x, y) = (x.narrow(0, first, len)?, y.narrow(0, first, len)?);
        let (variance_x, covariance_x) = spread(&x)?;
        let (variance_y, covariance_y) = spread(&y)?;
        let invariance = (x - y)?.sqr()?.mean_all()?;
        let chunk = [invariance, variance_x, variance_y, covariance_x, covariance_y];
        terms.push(Tensor::stack(&chunk, 0)?);
    }
    weighted(&Tensor::stack(&terms, 0)?, config)
}

/// The loss from the terms of each chunk, `(chunks, 5)`: invariance, the variances of x and y, their covariances.
pub(crate) fn weighted(terms: &Tensor, config: &VicRegConfig) -> Result<VicReg> {
    let terms = terms.mean(0)?;
    let [invariance, vx, vy, cx, cy] = [0, 1, 2, 3, 4].map(|i| terms.get(i));
    let (invariance, variance, covariance) = (invariance?, [vx?, vy?], [cx?, cy?]);
    let both = |term: &[Tensor; 2]| &term[0] + &term[1];
    let total = (((&invariance * config.invariance)? + (both(&variance)? * config.variance)?)?
        + (both(&covariance)? * config.covariance)?)?;
    Ok(VicReg { total, invariance, variance, covariance })
}

/// Variance and covariance terms of `x (n, C)`.
fn spread(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let (rows, channels) = x.dims2()?;
    let centred = x.broadcast_sub(&x.mean_keepdim(0)?)?;
    let variance = centred.sqr()?.mean(0)?;
    let deviation = (&variance + 1e-4)?.sqrt()?;
    let hinge = (1.0 - deviation)?.relu()?;
    let variance_term = (hinge.mean_all()? * 0.5)?;

    let unbiased = rows.max(2) as f64 - 1.0;
    flops::matmul(&centred.t()?, &centred);
    let covariance = (centred.t()?.matmul(&centred)? / unbiased)?;
    let all = covariance.sqr()?.sum_all()?;
    let diagonal = (centred.sqr()?.sum(0)? / unbiased)?.sqr()?.sum(D::Minus1)?;
    let covariance_term = ((all - diagonal)? / channels as f64)?;
    Ok((variance_term, covariance_term))
}
