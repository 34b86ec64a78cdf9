//! Means of a solution, and whether the grid resolves it.

use super::dynamics::{Complex, Dynamics};

/// Means over the domain at one time; non-dimensional.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diagnostics {
    /// Time.
    pub time: f64,
    /// Root mean square of the order `|q|`: 0 where rods point anywhere, 1 where all are parallel.
    pub order: f64,
    /// The largest `|q|` on the grid, below 1 in every solution that the grid resolves.
    pub peak_order: f64,
    /// Root mean square of the velocity `|u|`.
    pub speed: f64,
    /// Root mean square of the strain's Frobenius norm, `sqrt(E_ij E_ij)`.
    pub strain: f64,
    /// Share of `<|grad q|^2>` in the outer third of the spectrum, where `|kx|` or `|ky|` exceeds two thirds of the
    /// highest that is retained. Near 0 when the grid resolves the solution.
    pub order_tail: f64,
    /// The same share of the enstrophy.
    pub enstrophy_tail: f64,
}

impl Diagnostics {
    pub(super) fn measure(time: f64, peak_order: f64, dynamics: &Dynamics, q: &Complex) -> Self {
        let Dynamics { fourier, waves, stokes, .. } = dynamics;
        let [p_max, q_max] = fourier.cutoff();
        let square = |p: usize, q: usize| waves[p].square + waves[q * fourier.width()].square;
        let outer = |p: usize, q: usize| f64::from(u8::from(3 * p > 2 * p_max || 3 * q > 2 * q_max));
        let both = |weight: &dyn Fn(usize, usize) -> f64| q.iter().map(|q| fourier.mean_square(q, weight)).sum::<f64>();
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let enstrophy = fourier.mean_square(&stokes.vorticity, |_, _| 1.0);
        let energy = fourier.mean_square(&stokes.vorticity, |p, q| match (p, q) {
            (0, 0) => 0.0,
            _ => 1.0 / square(p, q),
        });
        Self {
            time,
            order: both(&|_, _| 1.0).sqrt(),
            peak_order,
            speed: energy.sqrt(),
            // <E:E> = <w^2> / 2 in a periodic flow without divergence.
            strain: (0.5 * enstrophy).sqrt(),
            order_tail: share(both(&|p, q| outer(p, q) * square(p, q)), both(&square)),
            enstrophy_tail: share(fourier.mean_square(&stokes.vorticity, outer), enstrophy),
        }
    }
}
