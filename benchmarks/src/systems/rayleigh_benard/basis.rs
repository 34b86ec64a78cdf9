//! Legendre polynomials between two walls: Gauss's quadrature, and the bases that satisfy the walls' conditions.
//!
//! The bases are those of Shen (SIAM J. Sci. Comput. 15, 1489, 1994), scaled so that the highest derivative that the
//! equations ask for is orthonormal in `s = 2 y - 1`. With Legendre polynomials `L_n(s)`:
//!
//! ```text
//! Dirichlet  f_n = (L_n - L_{n+2}) / sqrt(4 n + 6),                   df_n / ds    = -sqrt(n + 3/2) L_{n+1}
//! Clamped    f_n = (e_n - e_{n+2}) / sqrt(4 n + 10),                  d2f_n / ds2  = sqrt(n + 5/2) L_{n+2}
//!            e_n = (L_n - L_{n+2}) / (2 n + 3)
//! ```

use std::f64::consts::PI;

/// The polynomials in which a field is expanded across the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// Zero at both walls: buoyancy less conduction, and the mean flow.
    Dirichlet,
    /// Zero at both walls with its slope: the stream function.
    Clamped,
    /// Without conditions, `L_0`, `L_1` and then the Dirichlet basis: the pressure.
    Free,
}

impl Basis {
    /// How many of its functions have a degree below `degrees`.
    pub fn count(self, degrees: usize) -> usize {
        match self {
            Self::Dirichlet => degrees - 2,
            Self::Clamped => degrees - 4,
            Self::Free => degrees,
        }
    }

    /// Function `n`, or its derivative with respect to `y` of order `derivative`, as a sum of Legendre polynomials:
    /// degrees and coefficients. The clamped basis has two derivatives, the others one.
    pub fn legendre(self, n: usize, derivative: usize) -> Vec<(usize, f64)> {
        let order = n as f64;
        match (self, derivative) {
            (Self::Dirichlet, 0) => {
                let c = 1.0 / (4.0 * order + 6.0).sqrt();
                vec![(n, c), (n + 2, -c)]
            }
            (Self::Dirichlet, 1) => vec![(n + 1, -2.0 * (order + 1.5).sqrt())],
            (Self::Clamped, 0) => {
                let c = 1.0 / (4.0 * order + 10.0).sqrt();
                let (low, high) = (c / (2.0 * order + 3.0), c / (2.0 * order + 7.0));
                vec![(n, low), (n + 2, -low - high), (n + 4, high)]
            }
            (Self::Clamped, 1) => {
                let c = 2.0 / (4.0 * order + 10.0).sqrt();
                vec![(n + 1, -c), (n + 3, c)]
            }
            (Self::Clamped, 2) => vec![(n + 2, 4.0 * (order + 2.5).sqrt())],
            (Self::Free, 0) if n < 2 => vec![(n, 1.0)],
            (Self::Free, 1) if n < 2 => vec![(0, 2.0 * order)],
            (Self::Free, _) => Self::Dirichlet.legendre(n - 2, derivative),
            _ => unreachable!("{self:?} has no derivative of order {derivative}"),
        }
    }

    /// Function `n`'s derivative of order `derivative` at every one of `points`, given their [`legendre_values`].
    pub fn values(self, n: usize, derivative: usize, points: &[Vec<f64>]) -> impl Iterator<Item = f64> {
        let terms = self.legendre(n, derivative);
        points.iter().map(move |values| terms.iter().map(|(degree, c)| c * values[*degree]).sum())
    }
}

/// `L_0, L_1, ...` at `s`, with degrees below `degrees`.
pub(super) fn legendre_values(degrees: usize, s: f64) -> Vec<f64> {
    let mut values = vec![1.0, s];
    for n in 1..degrees.max(2) - 1 {
        let order = n as f64;
        values.push(((2.0 * order + 1.0) * s * values[n] - order * values[n - 1]) / (order + 1.0));
    }
    values
}

/// Gauss's quadrature on `[0, 1]`: exact for polynomials of degree below twice the number of points.
pub(super) struct Quadrature {
    /// In `s = 2 y - 1`, ascending.
    pub points: Vec<f64>,
    /// They add up to 1.
    pub weights: Vec<f64>,
}

impl Quadrature {
    /// An even number of points, so that none lies on the mid-plane.
    pub fn new(count: usize) -> Self {
        let half = count / 2;
        let (mut points, mut weights) = (vec![0.0; count], vec![0.0; count]);
        let order = count as f64;
        for i in 0..half {
            // Newton's iteration from the asymptotic place of the root.
            let mut s = (PI * (i as f64 + 0.75) / (order + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..10 {
                let values = legendre_values(count + 1, s);
                slope = order * (values[count - 1] - s * values[count]) / (1.0 - s * s);
                s -= values[count] / slope;
            }
            let weight = 1.0 / ((1.0 - s * s) * slope * slope);
            (points[i], points[count - 1 - i]) = (-s, s);
            (weights[i], weights[count - 1 - i]) = (weight, weight);
        }
        Self { points, weights }
    }
}

/// The `count` Chebyshev-Gauss points, in `s = 2 y - 1`, ascending.
pub(super) fn chebyshev_points(count: usize) -> Vec<f64> {
    (0..count).map(|j| -(PI * (j as f64 + 0.5) / count as f64).cos()).collect()
}

/// The matrix, row-major, that takes values at `from` Chebyshev-Gauss points to values at `to`, which is no more than
/// the polynomial of degree below `degrees` says: of a field with higher Chebyshev modes those are cut off.
pub(super) fn chebyshev_interpolation(from: usize, degrees: usize, to: &[f64]) -> Vec<f64> {
    let degrees = degrees.min(from);
    let chebyshev = |s: f64| (0..degrees).map(|q| (q as f64 * s.acos()).cos()).collect::<Vec<f64>>();
    let given: Vec<Vec<f64>> = chebyshev_points(from).into_iter().map(chebyshev).collect();
    let entry = |at: &[f64], given: &[f64]| {
        let product: f64 = at.iter().zip(given).map(|(a, b)| a * b).sum();
        (2.0 * product - 1.0) / from as f64
    };
    to.iter()
        .map(|&s| chebyshev(s))
        .flat_map(|at| given.iter().map(|given| entry(&at, given)).collect::<Vec<_>>())
        .collect()
}
