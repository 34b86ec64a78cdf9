//! The nonlinear terms: advection of vorticity and tracer, and the pressure that goes with the velocity.

use std::array;

use rustfft::num_complex::Complex64;

use super::constants::LENGTHS;
use crate::systems::fourier::Fourier;

/// The flow in spectral space. The mean velocity, which the vorticity does not hold, is constant and kept apart.
pub(super) struct SpectralState {
    /// `d u_y / dx - d u_x / dy`.
    pub vorticity: Vec<Complex64>,
    pub tracer: Vec<Complex64>,
}

impl SpectralState {
    pub fn zeros(fourier: &Fourier) -> Self {
        Self { vorticity: fourier.zeros(), tracer: fourier.zeros() }
    }

    pub fn fields(&self) -> [&[Complex64]; 2] {
        [&self.vorticity, &self.tracer]
    }

    pub fn fields_mut(&mut self) -> [&mut [Complex64]; 2] {
        [&mut self.vorticity, &mut self.tracer]
    }
}

/// Differentiation and its inverse on the retained modes.
pub(super) struct Operators {
    pub kx: Vec<f64>,
    pub ky: Vec<f64>,
    /// `1 / (kx^2 + ky^2)`, and 0 for the mean.
    inverse_square: Vec<f64>,
}

impl Operators {
    fn new(fourier: &Fourier) -> Self {
        let [kx, ky] = fourier.wavenumbers(LENGTHS);
        let squares = ky.iter().flat_map(|ky| kx.iter().map(move |kx| kx * kx + ky * ky));
        let inverse_square = squares.map(|k2| if k2 > 0.0 { 1.0 / k2 } else { 0.0 }).collect();
        Self { kx, ky, inverse_square }
    }

    /// Every mode's place in a spectrum with its wavenumbers.
    fn modes(&self) -> impl Iterator<Item = (usize, f64, f64)> {
        let pairs = self.ky.iter().flat_map(|&ky| self.kx.iter().map(move |&kx| (kx, ky)));
        pairs.enumerate().map(|(i, (kx, ky))| (i, kx, ky))
    }

    /// The velocity of a vorticity, from its stream function, and of a mean flow.
    pub fn velocity(&self, vorticity: &[Complex64], mean: [f64; 2], velocity: &mut [Vec<Complex64>; 2]) {
        let [u, v] = velocity;
        for (i, kx, ky) in self.modes() {
            let stream = times_i(vorticity[i] * self.inverse_square[i]);
            u[i] = stream * ky;
            v[i] = -stream * kx;
        }
        u[0] = mean[0].into();
        v[0] = mean[1].into();
    }

    /// The vorticity of a velocity, which need not be free of divergence.
    pub fn vorticity(&self, velocity: &[Vec<Complex64>; 2], vorticity: &mut [Complex64]) {
        let [u, v] = velocity;
        for (i, kx, ky) in self.modes() {
            vorticity[i] = times_i(v[i] * kx - u[i] * ky);
        }
    }
}

/// Evaluates the nonlinear terms with seven transforms: the velocity and the tracer to the grid, four products back.
pub(super) struct Advection {
    pub fourier: Fourier,
    pub operators: Operators,
    pub mean_velocity: [f64; 2],
    velocity: [Vec<Complex64>; 2],
    products: [Vec<Complex64>; 4],
    /// The fastest advection among the grid points of equal `y`.
    peaks: Vec<f64>,
}

impl Advection {
    pub fn new(grid: [usize; 2]) -> Self {
        let fourier = Fourier::dealiased(grid);
        Self {
            operators: Operators::new(&fourier),
            mean_velocity: [0.0; 2],
            velocity: array::from_fn(|_| fourier.zeros()),
            products: array::from_fn(|_| fourier.zeros()),
            peaks: vec![0.0; grid[1]],
            fourier,
        }
    }

    /// Writes `-u . grad w` and `-u . grad s` of `state` to `rate`, and returns the fastest advection on the grid: the
    /// largest `|u_x| kx + |u_y| ky`, with the highest retained wavenumbers, in radians per unit of time.
    ///
    /// In divergence form, `-u . grad w = (dyy - dxx)(u_x u_y) + dxy (u_x^2 - u_y^2)`.
    pub fn evaluate(&mut self, state: &SpectralState, rate: &mut SpectralState) -> f64 {
        let Self { fourier, operators, velocity, products, peaks, .. } = self;
        let [p, q] = fourier.cutoff();
        let (kx_max, ky_max) = (operators.kx[p], operators.ky[q]);
        operators.velocity(&state.vorticity, self.mean_velocity, velocity);
        peaks.fill(0.0);
        fourier.pointwise(
            [&velocity[0], &velocity[1], &state.tracer],
            products.each_mut().map(Vec::as_mut_slice),
            |_, [u, v, s], [difference, cross, flux_x, flux_y]| {
                for (j, peak) in peaks.iter_mut().enumerate() {
                    let (u, v, s) = (u[j], v[j], s[j]);
                    difference[j] = u * u - v * v;
                    cross[j] = u * v;
                    flux_x[j] = u * s;
                    flux_y[j] = v * s;
                    *peak = peak.max(u.abs() * kx_max + v.abs() * ky_max);
                }
            },
        );
        let [difference, cross, flux_x, flux_y] = products;
        for (i, kx, ky) in operators.modes() {
            rate.vorticity[i] = cross[i] * (kx * kx - ky * ky) - difference[i] * (kx * ky);
            rate.tracer[i] = -times_i(flux_x[i] * kx + flux_y[i] * ky);
        }
        peaks.iter().copied().fold(0.0, f64::max)
    }

    /// The pressure of a flow, with zero mean: `-lap p = dxx (u_x^2) + 2 dxy (u_x u_y) + dyy (u_y^2)`.
    pub fn pressure(&mut self, velocity: &[Vec<Complex64>; 2], pressure: &mut [Complex64]) {
        let Self { fourier, operators, products: [uu, uv, vv, _], .. } = self;
        fourier.pointwise(
            velocity.each_ref().map(Vec::as_slice),
            [&mut *uu, &mut *uv, &mut *vv],
            |_, [u, v], [uu, uv, vv]| {
                for j in 0..u.len() {
                    uu[j] = u[j] * u[j];
                    uv[j] = u[j] * v[j];
                    vv[j] = v[j] * v[j];
                }
            },
        );
        for (i, kx, ky) in operators.modes() {
            let source = uu[i] * (kx * kx) + uv[i] * (2.0 * kx * ky) + vv[i] * (ky * ky);
            pressure[i] = -source * operators.inverse_square[i];
        }
    }
}

fn times_i(c: Complex64) -> Complex64 {
    Complex64::new(-c.im, c.re)
}
