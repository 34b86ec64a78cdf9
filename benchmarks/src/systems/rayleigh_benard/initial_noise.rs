//! The noise from which convection grows, the same on every grid.

use std::f64::consts::TAU;

use rand_distr::{Distribution, StandardNormal};
use rustfft::num_complex::Complex64;

use super::basis::chebyshev_points;
use physrep_random::keyed;

/// The grid whose white noise this is.
const GRID: [usize; 2] = [512, 128];
/// Its standard deviation at a point of that grid.
const STANDARD_DEVIATION: f64 = 1e-3;

/// Noise on `grid`, `[nx, ny]` values: wavenumbers below the Nyquist mode, and Chebyshev polynomials of degrees that
/// leave room for a factor `y (1 - y)`.
///
/// The coefficients of white noise on Chebyshev-Gauss points are independent: that of `T_q cos`, like that of `T_q
/// sin`, has the variance `2 / nx` times `2 / ny` (`1 / ny` for `q = 0`).
pub(super) fn noise(seed: u64, grid: [usize; 2]) -> Vec<f64> {
    let [nx, ny] = grid;
    let waves = (nx / 2).min(GRID[0] / 2);
    let degrees = (ny - 2).min(GRID[1]);
    let mut random = keyed("physrep-bench 1 Rayleigh-Benard noise", &[&seed.to_le_bytes()]);
    let angles: Vec<f64> = chebyshev_points(ny).into_iter().map(f64::acos).collect();
    let phases: Vec<f64> = (0..nx).map(|i| TAU * i as f64 / nx as f64).collect();
    let mut field = vec![0.0; nx * ny];
    let mut profile = vec![Complex64::ZERO; ny];
    let polynomials: Vec<Vec<f64>> =
        (0..degrees).map(|q| angles.iter().map(|angle| (q as f64 * angle).cos()).collect()).collect();
    let circle: Vec<Complex64> = phases.iter().map(|phase| Complex64::from_polar(1.0, *phase)).collect();
    for k in 0..waves {
        profile.fill(Complex64::ZERO);
        for q in 0..GRID[1] {
            let [re, im]: [f64; 2] = std::array::from_fn(|_| StandardNormal.sample(&mut random));
            // Modes beyond the grid's are drawn too, so that those after them stay the same.
            let Some(polynomial) = polynomials.get(q) else { continue };
            let along_x = if k == 0 { Complex64::from(re) } else { Complex64::new(re, im) * 2.0f64.sqrt() };
            let along_y = if q == 0 { 1.0 } else { 2.0f64.sqrt() };
            let amplitude = along_x * along_y;
            profile.iter_mut().zip(polynomial).for_each(|(value, polynomial)| *value += amplitude * polynomial);
        }
        for (i, row) in field.chunks_exact_mut(ny).enumerate() {
            let wave = circle[i * k % nx];
            row.iter_mut().zip(&profile).for_each(|(f, c)| *f += wave.re * c.re - wave.im * c.im);
        }
    }
    let scale = STANDARD_DEVIATION / ((GRID[0] * GRID[1]) as f64).sqrt();
    field.iter_mut().for_each(|f| *f *= scale);
    field
}
