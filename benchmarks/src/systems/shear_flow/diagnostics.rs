//! Integrals of a flow: what is conserved, what decays and how fast, and whether the grid resolves it.

use super::advection::{Advection, SpectralState};

/// Means over the domain at one time; non-dimensional.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diagnostics {
    /// Time.
    pub time: f64,
    /// Kinetic energy, `<|u|^2> / 2`, the mean flow's included.
    pub energy: f64,
    /// `nu <|grad u|^2>`, the rate at which `energy` decays.
    pub dissipation: f64,
    /// `<u>`, which is conserved.
    pub mean_velocity: [f64; 2],
    /// `<s>`, which is conserved.
    pub tracer_mean: f64,
    /// `<s^2> - <s>^2`.
    pub tracer_variance: f64,
    /// `2 D <|grad s|^2>`, the rate at which `tracer_variance` decays.
    pub tracer_dissipation: f64,
    /// Share of the enstrophy in the outer third of the spectrum, where `|kx|` or `|ky|` exceeds two thirds of the
    /// highest that is retained. Near 0 when the grid resolves the flow.
    pub enstrophy_tail: f64,
    /// The same share of the tracer's variance.
    pub tracer_tail: f64,
}

impl Diagnostics {
    pub(super) fn measure(
        time: f64,
        viscosity: f64,
        diffusivity: f64,
        advection: &Advection,
        state: &SpectralState,
    ) -> Self {
        let Advection { fourier, operators, mean_velocity: [u, v], .. } = advection;
        let SpectralState { vorticity, tracer } = state;
        let [p_max, q_max] = fourier.cutoff();
        let square = |p: usize, q: usize| operators.kx[p].powi(2) + operators.ky[q].powi(2);
        let indicator = |yes: bool| if yes { 1.0 } else { 0.0 };
        let tail = |p: usize, q: usize| indicator(3 * p > 2 * p_max || 3 * q > 2 * q_max);
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };

        let enstrophy = fourier.mean_square(vorticity, |_, _| 1.0);
        let eddies = fourier.mean_square(vorticity, |p, q| match (p, q) {
            (0, 0) => 0.0,
            _ => 1.0 / square(p, q),
        });
        let variance = fourier.mean_square(tracer, |p, q| indicator(p + q > 0));
        let gradient = fourier.mean_square(tracer, square);
        Self {
            time,
            energy: 0.5 * (eddies + u * u + v * v),
            dissipation: viscosity * enstrophy,
            mean_velocity: [*u, *v],
            tracer_mean: tracer[0].re,
            tracer_variance: variance,
            tracer_dissipation: 2.0 * diffusivity * gradient,
            enstrophy_tail: share(fourier.mean_square(vorticity, tail), enstrophy),
            tracer_tail: share(fourier.mean_square(tracer, tail), variance),
        }
    }
}
