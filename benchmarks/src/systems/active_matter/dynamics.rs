//! The rate at which the order changes.

use std::array;

use rustfft::num_complex::Complex64;

use super::closure::Closure;
use super::parameters::ActiveMatter;
use super::stokes::{Stokes, Wave, waves};
use crate::systems::fourier::Fourier;

/// Spectra of the real and the imaginary part of a complex field.
pub(super) type Complex = [Vec<Complex64>; 2];

/// What limits the next step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Peaks {
    /// The largest `|q|` on the grid.
    pub order: f64,
    /// A bound of the fastest rate at which anything changes on the grid: turning by advection (of the highest retained
    /// mode) and by vorticity, relaxation by alignment and strain.
    pub rate: f64,
    /// Whether the Stokes iteration converged.
    pub converged: bool,
}

/// Evaluates everything but diffusion, with 13 transforms and 4 for each iteration of the Stokes equation.
pub(super) struct Dynamics {
    matter: ActiveMatter,
    closure: Closure,
    pub fourier: Fourier,
    pub waves: Vec<Wave>,
    pub stokes: Stokes,
    /// On the grid: `q` and `h q^2`.
    order: [Vec<f64>; 2],
    square: [Vec<f64>; 2],
    /// Spectra of `p = (1 - h |q|^2) q`.
    alignment: Complex,
    /// Spectra of `i w q - u . grad q`.
    transport: Complex,
    /// Spectra of `u_x`, `u_y`, and the derivatives of the parts of `q` along `x` and `y`.
    flow: [Vec<Complex64>; 6],
    /// One row each of `|q|^2`, `h`, and the peaks over rows.
    row: [Vec<f64>; 4],
}

impl Dynamics {
    pub fn new(matter: &ActiveMatter, grid: [usize; 2]) -> Self {
        let fourier = Fourier::dealiased(grid);
        let points = grid[0] * grid[1];
        Self {
            matter: *matter,
            closure: Closure::new(),
            waves: waves(matter.length, &fourier),
            stokes: Stokes::new(matter.beta, &fourier),
            order: array::from_fn(|_| vec![0.0; points]),
            square: array::from_fn(|_| vec![0.0; points]),
            alignment: array::from_fn(|_| fourier.zeros()),
            transport: array::from_fn(|_| fourier.zeros()),
            flow: array::from_fn(|_| fourier.zeros()),
            row: array::from_fn(|_| vec![0.0; grid[1]]),
            fourier,
        }
    }

    /// Writes `dq/dt - d_T lap q` to `rate`, and solves for the flow that belongs to `q` on the way.
    pub fn evaluate(&mut self, time: f64, q: &Complex, rate: &mut Complex) -> Peaks {
        let order = self.close(q);
        let ActiveMatter { zeta, alpha, beta, rotational_diffusivity, .. } = self.matter;
        let Self { fourier, waves, stokes, square, alignment, .. } = self;
        let stress = |i: usize| array::from_fn(|part| q[part][i] * alpha - alignment[part][i] * (0.5 * beta * zeta));
        let converged = stokes.solve(time, fourier, waves, square, stress);
        let turning = self.carry(q);
        let Self { waves, stokes, alignment, transport, .. } = self;
        for (i, wave) in waves.iter().enumerate() {
            let strain = wave.strain(stokes.vorticity[i]);
            for part in 0..2 {
                rate[part][i] =
                    strain[part] - stokes.coupling[part][i] + transport[part][i] + alignment[part][i] * zeta
                        - q[part][i] * (4.0 * rotational_diffusivity);
            }
        }
        let relaxing = 4.0 * (zeta + rotational_diffusivity + stokes.peak_strain);
        Peaks { order, rate: turning.hypot(relaxing), converged }
    }

    /// Brings `q` to the grid and applies the closure there; returns the largest `|q|`.
    fn close(&mut self, q: &Complex) -> f64 {
        let Self { fourier, closure, order, square, alignment, row: [norms, h, peaks, _], .. } = self;
        let ny = fourier.grid()[1];
        peaks.fill(0.0);
        fourier.pointwise(
            q.each_ref().map(Vec::as_slice),
            alignment.each_mut().map(Vec::as_mut_slice),
            |x, [a, b], [p_re, p_im]| {
                for j in 0..ny {
                    norms[j] = a[j] * a[j] + b[j] * b[j];
                    peaks[j] = if norms[j] > peaks[j] { norms[j] } else { peaks[j] };
                }
                closure.evaluate(norms, h);
                let [square_re, square_im] = square.each_mut().map(|field| &mut field[x * ny..][..ny]);
                for j in 0..ny {
                    let rest = 1.0 - h[j] * norms[j];
                    p_re[j] = rest * a[j];
                    p_im[j] = rest * b[j];
                    square_re[j] = h[j] * (a[j] * a[j] - b[j] * b[j]);
                    square_im[j] = h[j] * (2.0 * a[j] * b[j]);
                }
                for (field, values) in order.iter_mut().zip([a, b]) {
                    field[x * ny..][..ny].copy_from_slice(values);
                }
            },
        );
        peaks.iter().copied().fold(0.0, f64::max).sqrt()
    }

    /// Evaluates `i w q - u . grad q`; returns the largest `|u_x| kx + |u_y| ky + |w|`.
    fn carry(&mut self, q: &Complex) -> f64 {
        let Self { fourier, waves, stokes, order, transport, flow, row: [peaks, ..], .. } = self;
        let vorticity = &stokes.vorticity;
        let times_i = |c: Complex64| Complex64::new(-c.im, c.re);
        for (i, wave) in waves.iter().enumerate() {
            let [a, b] = [times_i(q[0][i]), times_i(q[1][i])];
            let [u, v] = wave.velocity(vorticity[i]);
            for (field, value) in flow.iter_mut().zip([u, v, a * wave.kx, a * wave.ky, b * wave.kx, b * wave.ky]) {
                field[i] = value;
            }
        }
        let [u, v, a_x, a_y, b_x, b_y] = flow.each_ref().map(Vec::as_slice);
        let [p, q_max] = fourier.cutoff();
        let highest = [waves[p].kx, waves[q_max * fourier.width()].ky];
        let ny = fourier.grid()[1];
        peaks.fill(0.0);
        fourier.pointwise(
            [u, v, vorticity, a_x, a_y, b_x, b_y],
            transport.each_mut().map(Vec::as_mut_slice),
            |x, [u, v, w, a_x, a_y, b_x, b_y], [re, im]| {
                let [a, b] = order.each_ref().map(|field| &field[x * ny..][..ny]);
                for j in 0..ny {
                    re[j] = -(w[j] * b[j]) - u[j] * a_x[j] - v[j] * a_y[j];
                    im[j] = w[j] * a[j] - u[j] * b_x[j] - v[j] * b_y[j];
                    let turning = u[j].abs() * highest[0] + v[j].abs() * highest[1] + w[j].abs();
                    peaks[j] = if turning > peaks[j] { turning } else { peaks[j] };
                }
            },
        );
        peaks.iter().copied().fold(0.0, f64::max)
    }
}
