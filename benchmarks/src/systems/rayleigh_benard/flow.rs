//! The state of the flow, and the parts of the discretisation that do not change with time.

use std::f64::consts::TAU;

use super::basis::{Basis, Quadrature};
use super::pencil::Pencil;

/// Expansion coefficients of the flow, or of anything dual to it.
///
/// `stream` and `buoyancy` have a row for each function of their basis; a row holds the real parts of all wavenumbers
/// `0, 1, ..., waves - 1` and then the imaginary parts.
#[derive(Clone)]
pub(super) struct FlowState {
    /// The stream function, in the clamped basis, without the mean over `x`: `u_x = d psi / dy`, `u_y = -d psi / dx`.
    pub stream: Vec<f64>,
    /// Buoyancy less conduction, `b - (1 - y)`, in the Dirichlet basis.
    pub buoyancy: Vec<f64>,
    /// The mean of `u_x` over `x`, in the Dirichlet basis.
    pub mean: Vec<f64>,
}

impl FlowState {
    pub fn zeros(space: &Space) -> Self {
        let rows = |basis: Basis, width: usize| vec![0.0; basis.count(space.degrees) * width];
        Self {
            stream: rows(Basis::Clamped, space.width()),
            buoyancy: rows(Basis::Dirichlet, space.width()),
            mean: rows(Basis::Dirichlet, 1),
        }
    }

    pub fn copy_from(&mut self, other: &Self) {
        self.stream.copy_from_slice(&other.stream);
        self.buoyancy.copy_from_slice(&other.buoyancy);
        self.mean.copy_from_slice(&other.mean);
    }

    /// `self += factor * other`.
    pub fn add(&mut self, factor: f64, other: &Self) {
        let pairs =
            [(&mut self.stream, &other.stream), (&mut self.buoyancy, &other.buoyancy), (&mut self.mean, &other.mean)];
        for (target, source) in pairs {
            target.iter_mut().zip(source).for_each(|(t, s)| *t += factor * s);
        }
    }

    pub fn fill_zero(&mut self) {
        [&mut self.stream, &mut self.buoyancy, &mut self.mean].into_iter().for_each(|field| field.fill(0.0));
    }

    /// Whether every coefficient is finite.
    pub fn is_finite(&self) -> bool {
        let sum = |field: &[f64]| field.iter().map(|c| c * c).sum::<f64>();
        (sum(&self.stream) + sum(&self.buoyancy) + sum(&self.mean)).is_finite()
    }
}

/// The finite-dimensional space of flows on a grid `[nx, ny]`: wavenumbers below the Nyquist mode along `x`,
/// polynomials of degree below `ny` in `y`.
pub(super) struct Space {
    pub grid: [usize; 2],
    /// Polynomials have a degree below this.
    pub degrees: usize,
    /// `0, 2 pi / length, ...`: one for each retained mode.
    pub wavenumbers: Vec<f64>,
    /// Half as many points again as the grid has, in both directions: enough for the integrals of products of two
    /// fields and a function of the basis to be exact, so that nothing is aliased.
    pub points: usize,
    pub rule: Quadrature,
}

impl Space {
    pub fn new(grid: [usize; 2], length: f64) -> Self {
        let [nx, ny] = grid;
        Self {
            grid,
            degrees: ny,
            wavenumbers: (0..nx / 2).map(|k| TAU * k as f64 / length).collect(),
            points: (3 * nx).div_ceil(2),
            rule: Quadrature::new((3 * ny).div_ceil(4) * 2),
        }
    }

    /// Retained modes along `x`, the mean included.
    pub fn waves(&self) -> usize {
        self.wavenumbers.len()
    }

    /// Values in a row of coefficients.
    pub fn width(&self) -> usize {
        2 * self.waves()
    }

    /// Pairs of quadrature points.
    pub fn pairs(&self) -> usize {
        self.rule.points.len() / 2
    }
}

/// Inertia and diffusion: for a flow `a`, `M da/dt = -A a`, where `A` is without the diffusivity.
pub(super) struct LinearTerms {
    /// `M` measures the kinetic energy, `A` the dissipation.
    pub stream: Pencil<2>,
    pub buoyancy: Pencil<1>,
    pub mean: Pencil<1>,
}

impl LinearTerms {
    pub fn new(space: &Space) -> Self {
        let (degrees, k) = (space.degrees, &space.wavenumbers);
        let helmholtz =
            |k: &[f64]| Pencil::new(Basis::Dirichlet, degrees, k, |_| [1.0, 0.0, 0.0], |k| [k * k, 1.0, 0.0]);
        Self {
            stream: Pencil::new(Basis::Clamped, degrees, k, |k| [k * k, 1.0, 0.0], |k| [k.powi(4), 2.0 * k * k, 1.0]),
            buoyancy: helmholtz(k),
            mean: helmholtz(&[0.0]),
        }
    }
}
