//! The Bingham closure: the fourth moment of the orientations from their second.
//!
//! Among all distributions with given second moments the Bingham closure takes the most likely one (Chaubal and Leal,
//! J. Rheol. 42, 177, 1998). In two dimensions it is `exp(lambda cos 2 (theta - w))`, up to normalisation. With `q =
//! <exp(2 i theta)>`, whose argument is `2 w`,
//!
//! ```text
//! |q| = I1(lambda) / I0(lambda),    <exp(4 i theta)> = (1 - 2 |q| / lambda) (q / |q|)^2 = h(|q|^2) q^2
//! ```
//!
//! with modified Bessel functions, so that the closure is one smooth function `h`, which rises from 1/2 (isotropic) to
//! 1 (aligned).

use std::f64::consts::PI;

/// Terms of the series; the first that is left out is below 1e-11.
const TERMS: usize = 46;
/// Points that are evaluated together, so that the compiler can use vector instructions.
const LANES: usize = 8;

/// `h` as a Chebyshev series on `0 <= |q|^2 <= 1`, with an error below 1e-10.
pub(super) struct Closure {
    /// The highest term first; the constant one is halved already.
    series: [f64; TERMS],
}

impl Closure {
    /// Interpolates `h` at Chebyshev nodes.
    pub fn new() -> Self {
        let angle = |j: usize| PI * (j as f64 + 0.5) / TERMS as f64;
        let values: [f64; TERMS] = std::array::from_fn(|j| exact(0.5 + 0.5 * angle(j).cos()));
        let series = std::array::from_fn(|i| {
            let term = TERMS - 1 - i;
            let sum: f64 = (0..TERMS).map(|j| values[j] * (term as f64 * angle(j)).cos()).sum();
            sum * if term == 0 { 1.0 } else { 2.0 } / TERMS as f64
        });
        Self { series }
    }

    /// Writes `h` at every `|q|^2` of `squares` to `values`, a slice of equal length. Beyond 1, where no distribution
    /// is, the series is accurate for a short way only.
    pub fn evaluate(&self, squares: &[f64], values: &mut [f64]) {
        let (whole, rest) = squares.as_chunks::<LANES>();
        let (whole_values, rest_values) = values.as_chunks_mut::<LANES>();
        for (x, y) in whole.iter().zip(whole_values) {
            *y = self.clenshaw(x);
        }
        let mut x = [0.0; LANES];
        x[..rest.len()].copy_from_slice(rest);
        rest_values.copy_from_slice(&self.clenshaw(&x)[..rest.len()]);
    }

    fn clenshaw(&self, x: &[f64; LANES]) -> [f64; LANES] {
        let twice = x.map(|x| 4.0 * x - 2.0);
        let (mut one, mut two) = ([0.0; LANES], [0.0; LANES]);
        for term in &self.series[..TERMS - 1] {
            for lane in 0..LANES {
                let next = term + twice[lane] * one[lane] - two[lane];
                two[lane] = one[lane];
                one[lane] = next;
            }
        }
        std::array::from_fn(|lane| self.series[TERMS - 1] + 0.5 * twice[lane] * one[lane] - two[lane])
    }
}

/// `h` at `0 < square < 1`, to round-off.
fn exact(square: f64) -> f64 {
    let order = square.sqrt();
    (1.0 - 2.0 * order / concentration(order)) / square
}

/// The `lambda` whose `I1(lambda) / I0(lambda)` is `order`, `0 < order < 1`: Newton's method from the estimate of
/// Banerjee et al. (J. Mach. Learn. Res. 6, 1345, 2005), which is never off by more than a few per cent.
fn concentration(order: f64) -> f64 {
    let mut lambda = order * (2.0 - order * order) / (1.0 - order * order);
    for _ in 0..8 {
        let ratio = bessel_ratio(lambda);
        lambda -= (ratio - order) / (1.0 - ratio / lambda - ratio * ratio);
    }
    lambda
}

/// `I1(lambda) / I0(lambda)`, from Gauss's continued fraction.
fn bessel_ratio(lambda: f64) -> f64 {
    // From about 2 lambda on, a term of the fraction is half its predecessor or less.
    let terms = 60 + 2 * lambda as usize;
    (1..=terms).rev().fold(0.0, |ratio, term| 1.0 / (2.0 * term as f64 / lambda + ratio))
}

#[cfg(test)]
mod tests;
