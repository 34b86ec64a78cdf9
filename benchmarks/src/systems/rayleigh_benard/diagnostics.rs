//! Integrals of a flow: how much heat it carries, what it dissipates, and whether the grid resolves it.

use super::basis::Basis;
use super::flow::{FlowState, LinearTerms, Space};
use super::layer::{Evaluation, Mirrored};

/// Means over the layer at one time; non-dimensional.
///
/// In a steady state, and in the mean over a long time, all five Nusselt numbers are equal (Shraiman and Siggia, Phys.
/// Rev. A 42, 3650, 1990).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diagnostics {
    /// Time.
    pub time: f64,
    /// Kinetic energy, `<|u|^2> / 2`.
    pub energy: f64,
    /// Reynolds number of the root-mean-square velocity and the layer's height.
    pub reynolds: f64,
    /// `nu <|grad u|^2>`, the rate at which kinetic energy is lost.
    pub dissipation: f64,
    /// `<u_y b>`, the rate at which it is gained.
    pub work: f64,
    /// Nusselt number of the lower and the upper wall, `-d<b>/dy`.
    pub wall_nusselt: [f64; 2],
    /// Nusselt number of the layer, `1 + <u_y b> sqrt(Ra Pr)`.
    pub nusselt: f64,
    /// Nusselt number of thermal dissipation, `<|grad b|^2>`.
    pub thermal_nusselt: f64,
    /// Nusselt number of viscous dissipation, `1 + nu <|grad u|^2> sqrt(Ra Pr)`.
    pub viscous_nusselt: f64,
    /// Share of the enstrophy in the outer third of the spectrum, where the wavenumber or the Legendre polynomial's
    /// degree exceeds two thirds of the highest that is retained. Near 0 when the grid resolves the flow.
    pub enstrophy_tail: f64,
    /// The same share of the variance of the buoyancy less conduction.
    pub buoyancy_tail: f64,
}

pub(super) fn measure(
    time: f64,
    [viscosity, diffusivity]: [f64; 2],
    space: &Space,
    linear: &LinearTerms,
    state: &FlowState,
) -> Diagnostics {
    let mut scratch = FlowState::zeros(space);
    linear.stream.add_mass(1.0, &state.stream, &mut scratch.stream);
    linear.mean.add_mass(1.0, &state.mean, &mut scratch.mean);
    let square = mean_product(space, &state.stream, &scratch.stream) + dot(&state.mean, &scratch.mean);
    scratch.fill_zero();
    linear.stream.add_stiffness(1.0, &state.stream, &mut scratch.stream);
    linear.mean.add_stiffness(1.0, &state.mean, &mut scratch.mean);
    linear.buoyancy.add_stiffness(1.0, &state.buoyancy, &mut scratch.buoyancy);
    let enstrophy = mean_product(space, &state.stream, &scratch.stream) + dot(&state.mean, &scratch.mean);
    let gradient = 1.0 + mean_product(space, &state.buoyancy, &scratch.buoyancy);
    let work = work(space, state);
    let wall = |s: f64| {
        let slope = |n: usize| -> f64 {
            Basis::Dirichlet.legendre(n, 1).into_iter().map(|(degree, c)| c * s.powi(degree as i32)).sum()
        };
        let rows = state.buoyancy.chunks_exact(space.width()).enumerate();
        1.0 - rows.map(|(n, row)| slope(n) * row[0]).sum::<f64>()
    };
    let [enstrophy_tail, buoyancy_tail] = tails(space, state);
    Diagnostics {
        time,
        energy: 0.5 * square,
        reynolds: square.sqrt() / viscosity,
        dissipation: viscosity * enstrophy,
        work,
        wall_nusselt: [wall(-1.0), wall(1.0)],
        nusselt: 1.0 + work / diffusivity,
        thermal_nusselt: gradient,
        viscous_nusselt: 1.0 + viscosity * enstrophy / diffusivity,
        enstrophy_tail,
        buoyancy_tail,
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The mean over `x` of the product of two real fields of which each row holds the coefficients, summed over rows.
fn mean_product(space: &Space, a: &[f64], b: &[f64]) -> f64 {
    let (width, waves) = (space.width(), space.waves());
    let row = |a: &[f64], b: &[f64]| 2.0 * dot(a, b) - a[0] * b[0] - a[waves] * b[waves];
    a.chunks_exact(width).zip(b.chunks_exact(width)).map(|(a, b)| row(a, b)).sum()
}

/// `<u_y b>`.
fn work(space: &Space, state: &FlowState) -> f64 {
    let (pairs, width, waves) = (space.pairs(), space.width(), space.waves());
    let [mut psi, mut b] = [(); 2].map(|()| Mirrored::zeros(pairs, width));
    Evaluation::new(Basis::Clamped, 0, space.degrees, &space.rule).evaluate(&state.stream, &mut psi);
    Evaluation::new(Basis::Dirichlet, 0, space.degrees, &space.rule).evaluate(&state.buoyancy, &mut b);
    let mut sum = 0.0;
    for (psi, b) in [(&psi.even, &b.even), (&psi.odd, &b.odd)] {
        for (pair, (psi, b)) in psi.chunks_exact(width).zip(b.chunks_exact(width)).enumerate() {
            for (i, k) in space.wavenumbers.iter().enumerate() {
                // Both points of the pair and both signs of the wavenumber.
                sum += 4.0 * space.rule.weights[pair] * k * (psi[waves + i] * b[i] - psi[i] * b[waves + i]);
            }
        }
    }
    sum
}

/// Shares of enstrophy and of buoyancy variance in the outer third of the spectrum.
fn tails(space: &Space, state: &FlowState) -> [f64; 2] {
    let (width, waves) = (space.width(), space.waves());
    let mut vorticity = vec![0.0; space.degrees * width];
    let mut buoyancy = vec![0.0; space.degrees * width];
    for (n, row) in state.stream.chunks_exact(width).enumerate() {
        for (derivative, sign) in [(0, 1.0), (2, -1.0)] {
            for (degree, c) in Basis::Clamped.legendre(n, derivative) {
                for (i, a) in row.iter().enumerate() {
                    let k = if derivative == 0 { space.wavenumbers[i % waves].powi(2) } else { 1.0 };
                    vorticity[degree * width + i] += sign * c * k * a;
                }
            }
        }
    }
    for (n, a) in state.mean.iter().enumerate() {
        Basis::Dirichlet.legendre(n, 1).into_iter().for_each(|(degree, c)| vorticity[degree * width] -= c * a);
    }
    for (n, row) in state.buoyancy.chunks_exact(width).enumerate() {
        for (degree, c) in Basis::Dirichlet.legendre(n, 0) {
            buoyancy[degree * width..][..width].iter_mut().zip(row).for_each(|(b, a)| *b += c * a);
        }
    }
    [vorticity, buoyancy].map(|field| {
        let (mut whole, mut outer) = (0.0, 0.0);
        for (degree, row) in field.chunks_exact(width).enumerate() {
            for (i, c) in row.iter().enumerate() {
                let k = i % waves;
                let square = c * c * if k == 0 { 1.0 } else { 2.0 } / (2 * degree + 1) as f64;
                whole += square;
                if 3 * k > 2 * (waves - 1) || 3 * degree > 2 * (space.degrees - 1) {
                    outer += square;
                }
            }
        }
        if whole > 0.0 { outer / whole } else { 0.0 }
    })
}
