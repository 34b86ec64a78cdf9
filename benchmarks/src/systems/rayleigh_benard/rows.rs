//! Along `x`: transforms of one row between wavenumbers and points, and the derivative.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex64;

/// Transforms along `x` between wavenumbers and points.
pub(super) struct RowTransform {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    scratch: Vec<Complex64>,
    spectrum: Vec<Complex64>,
    points: usize,
}

impl RowTransform {
    pub fn new(points: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(points), planner.plan_fft_inverse(points));
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            forward,
            inverse,
            scratch: vec![Complex64::ZERO; scratch],
            spectrum: vec![Complex64::ZERO; points / 2 + 1],
            points,
        }
    }

    /// Grid values of the field whose coefficient at wavenumber `k` is `coefficient(k)`, for all `k < waves`.
    pub fn synthesise(&mut self, waves: usize, coefficient: impl Fn(usize) -> Complex64, values: &mut [f64]) {
        let (low, high) = self.spectrum.split_at_mut(waves);
        low.iter_mut().enumerate().for_each(|(k, c)| *c = coefficient(k));
        high.fill(Complex64::ZERO);
        // A real field has a real mean; the imaginary part is round-off.
        self.spectrum[0].im = 0.0;
        self.inverse
            .process_with_scratch(&mut self.spectrum, values, &mut self.scratch)
            .expect("the buffers have the lengths of the plan");
    }

    /// The coefficients of grid values, which are overwritten.
    pub fn analyse(&mut self, values: &mut [f64]) -> impl Iterator<Item = Complex64> {
        self.forward
            .process_with_scratch(values, &mut self.spectrum, &mut self.scratch)
            .expect("the buffers have the lengths of the plan");
        let scale = 1.0 / self.points as f64;
        self.spectrum.iter().map(move |c| c * scale)
    }
}

/// Multiplies every row's coefficient of wavenumber `k` by `i k`.
pub(super) fn times_ik(rows: &mut [f64], wavenumbers: &[f64]) {
    let waves = wavenumbers.len();
    for row in rows.chunks_exact_mut(2 * waves) {
        let (re, im) = row.split_at_mut(waves);
        for ((re, im), k) in re.iter_mut().zip(im).zip(wavenumbers) {
            (*re, *im) = (-k * *im, k * *re);
        }
    }
}
