//! The linear part of the equations: for every wavenumber a symmetric positive definite pair of banded matrices.

use super::basis::{Basis, Quadrature, legendre_values};

/// The pairs `(M, A)` of `M da/dt = -nu A a`, one for each of several wavenumbers, and a factorisation of `M + t A`.
///
/// Functions of a basis couple to those that are 2, 4, ..., `2 BANDS` orders away, and to no others. Vectors hold the
/// coefficients of function 0 for all wavenumbers, then those of function 1 and so on; a coefficient may consist of
/// several numbers (`[re, im]`), of which each has its own block of wavenumbers.
pub(super) struct Pencil<const BANDS: usize> {
    functions: usize,
    /// Numbers that share a function: wavenumbers.
    waves: usize,
    mass: Bands<BANDS>,
    stiffness: Bands<BANDS>,
}

/// A symmetric banded matrix for each wavenumber.
struct Bands<const BANDS: usize> {
    /// Entry `(n, n)` at row `n`.
    diagonal: Vec<f64>,
    /// Entry `(n - 2 (m + 1), n)` of band `m` at row `n`.
    off: [Vec<f64>; BANDS],
}

impl<const BANDS: usize> Bands<BANDS> {
    fn zeros(size: usize) -> Self {
        Self { diagonal: vec![0.0; size], off: std::array::from_fn(|_| vec![0.0; size]) }
    }
}

/// `M + t A = L D L^T`.
pub(super) struct Factors<const BANDS: usize> {
    /// `t`, or not a number before the first factorisation.
    shift: f64,
    inverse_diagonal: Vec<f64>,
    lower: [Vec<f64>; BANDS],
    /// What is left of a row while it is eliminated.
    work: [Vec<f64>; BANDS],
}

impl<const BANDS: usize> Pencil<BANDS> {
    /// Integrals over the layer of the derivatives of a basis: with `<f, g>` the matrix of `integral of f_m g_n dy`,
    /// `M = sum_d mass(k)[d] <d^d f, d^d f>`, and `A` likewise.
    pub fn new(
        basis: Basis,
        degrees: usize,
        wavenumbers: &[f64],
        mass: impl Fn(f64) -> [f64; 3],
        stiffness: impl Fn(f64) -> [f64; 3],
    ) -> Self {
        let (functions, waves) = (basis.count(degrees), wavenumbers.len());
        let rule = Quadrature::new(degrees + degrees % 2);
        let points: Vec<Vec<f64>> = rule.points.iter().map(|&s| legendre_values(degrees, s)).collect();
        let derivatives = if basis == Basis::Clamped { 3 } else { 2 };
        let values: Vec<Vec<Vec<f64>>> = (0..derivatives)
            .map(|derivative| (0..functions).map(|n| basis.values(n, derivative, &points).collect()).collect())
            .collect();
        let integral = |derivative: usize, m: usize, n: usize| -> f64 {
            let [f, g] = [m, n].map(|n| &values[derivative][n]);
            f.iter().zip(g).zip(&rule.weights).map(|((f, g), w)| w * f * g).sum()
        };
        let assemble = |weights: &dyn Fn(f64) -> [f64; 3]| {
            let mut bands = Bands::zeros(functions * waves);
            for n in 0..functions {
                for band in 0..=BANDS.min(n / 2) {
                    let integrals: Vec<f64> = (0..derivatives).map(|d| integral(d, n - 2 * band, n)).collect();
                    let row = match band {
                        0 => &mut bands.diagonal,
                        _ => &mut bands.off[band - 1],
                    };
                    for (entry, &k) in row[n * waves..][..waves].iter_mut().zip(wavenumbers) {
                        *entry = weights(k).iter().zip(&integrals).map(|(w, i)| w * i).sum();
                    }
                }
            }
            bands
        };
        Self { functions, waves, mass: assemble(&mass), stiffness: assemble(&stiffness) }
    }

    /// Sets the first diagonal entry of the first wavenumber's `M` to 1, where it is 0: what it multiplies is then
    /// free.
    pub fn pin_first(&mut self) {
        self.mass.diagonal[0] = 1.0;
    }

    /// Room for factors.
    pub fn factors(&self) -> Factors<BANDS> {
        let zeros = |rows: usize| vec![0.0; rows * self.waves];
        Factors {
            shift: f64::NAN,
            inverse_diagonal: zeros(self.functions),
            lower: std::array::from_fn(|_| zeros(self.functions)),
            work: std::array::from_fn(|_| zeros(1)),
        }
    }

    /// Factorises `M + shift A`, unless `factors` are those already.
    pub fn factorise(&self, shift: f64, factors: &mut Factors<BANDS>) {
        if factors.shift == shift {
            return;
        }
        let waves = self.waves;
        let Factors { inverse_diagonal, lower, work, .. } = factors;
        let sum = |m: &[f64], a: &[f64], row: usize, into: &mut [f64]| {
            let entries = m[row * waves..][..waves].iter().zip(&a[row * waves..][..waves]);
            into.iter_mut().zip(entries).for_each(|(into, (m, a))| *into = m + shift * a);
        };
        for row in 0..self.functions {
            let (above, rest) = inverse_diagonal.split_at_mut(row * waves);
            let pivot = &mut rest[..waves];
            sum(&self.mass.diagonal, &self.stiffness.diagonal, row, pivot);
            for band in (0..BANDS.min(row / 2)).rev() {
                let other = row - 2 * (band + 1);
                let (left, eliminated) = work.split_at_mut(band + 1);
                let left = &mut left[band];
                sum(&self.mass.off[band], &self.stiffness.off[band], row, left);
                for (further, eliminated) in eliminated.iter().enumerate().take((row / 2).min(BANDS) - band - 1) {
                    let factor = &lower[further][other * waves..][..waves];
                    for ((left, e), l) in left.iter_mut().zip(eliminated).zip(factor) {
                        *left -= e * l;
                    }
                }
                let inverse = &above[other * waves..][..waves];
                let factor = &mut lower[band][row * waves..][..waves];
                for (((factor, left), inverse), pivot) in factor.iter_mut().zip(&*left).zip(inverse).zip(&mut *pivot) {
                    *factor = left * inverse;
                    *pivot -= *factor * left;
                }
            }
            pivot.iter_mut().for_each(|pivot| *pivot = 1.0 / *pivot);
        }
        factors.shift = shift;
    }

    /// Solves with the factors, in place.
    pub fn solve(&self, factors: &Factors<BANDS>, x: &mut [f64]) {
        let (waves, width) = (self.waves, x.len() / self.functions);
        let subtract = |target: &mut [f64], source: &[f64], factor: &[f64]| {
            for (target, source) in target.chunks_exact_mut(waves).zip(source.chunks_exact(waves)) {
                for ((t, s), f) in target.iter_mut().zip(source).zip(factor) {
                    *t -= s * f;
                }
            }
        };
        for row in 0..self.functions {
            let (above, rest) = x.split_at_mut(row * width);
            for band in 0..BANDS.min(row / 2) {
                let other = row - 2 * (band + 1);
                let factor = &factors.lower[band][row * waves..][..waves];
                subtract(&mut rest[..width], &above[other * width..][..width], factor);
            }
        }
        for row in (0..self.functions).rev() {
            let (above, below) = x.split_at_mut((row + 1) * width);
            let target = &mut above[row * width..];
            let inverse = &factors.inverse_diagonal[row * waves..][..waves];
            for target in target.chunks_exact_mut(waves) {
                target.iter_mut().zip(inverse).for_each(|(t, i)| *t *= i);
            }
            for band in 0..BANDS {
                let other = row + 2 * (band + 1);
                if other < self.functions {
                    let factor = &factors.lower[band][other * waves..][..waves];
                    subtract(target, &below[(other - row - 1) * width..][..width], factor);
                }
            }
        }
    }

    /// Adds `factor A x` to `into`.
    pub fn add_stiffness(&self, factor: f64, x: &[f64], into: &mut [f64]) {
        self.add(&self.stiffness, factor, x, into);
    }

    /// Adds `factor M x` to `into`.
    pub fn add_mass(&self, factor: f64, x: &[f64], into: &mut [f64]) {
        self.add(&self.mass, factor, x, into);
    }

    fn add(&self, bands: &Bands<BANDS>, factor: f64, x: &[f64], into: &mut [f64]) {
        let (waves, width) = (self.waves, x.len() / self.functions);
        let add = |target: &mut [f64], source: &[f64], entries: &[f64]| {
            for (target, source) in target.chunks_exact_mut(waves).zip(source.chunks_exact(waves)) {
                for ((t, s), e) in target.iter_mut().zip(source).zip(entries) {
                    *t += factor * e * s;
                }
            }
        };
        for row in 0..self.functions {
            let target = &mut into[row * width..][..width];
            add(target, &x[row * width..][..width], &bands.diagonal[row * waves..][..waves]);
            for band in 0..BANDS {
                let reach = 2 * (band + 1);
                if let Some(above) = row.checked_sub(reach) {
                    add(target, &x[above * width..][..width], &bands.off[band][row * waves..][..waves]);
                }
                if row + reach < self.functions {
                    let below = row + reach;
                    add(target, &x[below * width..][..width], &bands.off[band][below * waves..][..waves]);
                }
            }
        }
    }
}
