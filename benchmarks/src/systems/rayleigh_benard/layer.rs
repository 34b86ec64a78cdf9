//! Between coefficients across the layer and values at quadrature points: products with small matrices.
//!
//! At the resolutions of this suite a matrix product is as fast as a fast transform, and it takes any basis and any
//! points (Boyd, Chebyshev and Fourier Spectral Methods, 2001, section 10.4, who also gives the trick of parity).

use super::basis::{Basis, Quadrature, legendre_values};
use super::product::{Rows, product};

/// Values at pairs of points that mirror each other in the mid-plane, as the part that is even in `s` and the part that
/// is odd: `f(s) = even + odd`, `f(-s) = even - odd`. Row `j` belongs to the pair of point `j` of the lower half.
#[derive(Clone)]
pub(super) struct Mirrored {
    pub even: Vec<f64>,
    pub odd: Vec<f64>,
}

impl Mirrored {
    pub fn zeros(pairs: usize, width: usize) -> Self {
        Self { even: vec![0.0; pairs * width], odd: vec![0.0; pairs * width] }
    }
}

/// A basis, or a derivative of it, at the points of a quadrature.
pub(super) struct Evaluation {
    functions: usize,
    pairs: usize,
    /// Whether even functions have an even derivative of this order.
    keeps_parity: bool,
    /// For functions of even and of odd order: their values, a row for each pair of points.
    values: [Vec<f64>; 2],
    /// The same times the quadrature's weights, a row for each function.
    weighted: [Vec<f64>; 2],
}

impl Evaluation {
    pub fn new(basis: Basis, derivative: usize, degrees: usize, rule: &Quadrature) -> Self {
        let (functions, pairs) = (basis.count(degrees), rule.points.len() / 2);
        let points: Vec<Vec<f64>> = rule.points[..pairs].iter().map(|&s| legendre_values(degrees, s)).collect();
        let columns = [0, 1].map(|parity| {
            let orders = (parity..functions).step_by(2);
            orders.map(|n| basis.values(n, derivative, &points).collect::<Vec<f64>>()).collect::<Vec<_>>()
        });
        Self {
            functions,
            pairs,
            keeps_parity: derivative.is_multiple_of(2),
            values: columns
                .each_ref()
                .map(|columns| (0..pairs).flat_map(|pair| columns.iter().map(move |column| column[pair])).collect()),
            weighted: columns.each_ref().map(|columns| {
                let weigh =
                    |column: &Vec<f64>| column.iter().zip(&rule.weights).map(|(v, w)| v * w).collect::<Vec<_>>();
                columns.iter().flat_map(weigh).collect()
            }),
        }
    }

    /// Values of the sum of functions with the given coefficients, a row of them for each function.
    pub fn evaluate(&self, coefficients: &[f64], into: &mut Mirrored) {
        let width = coefficients.len() / self.functions;
        for parity in [0, 1] {
            let functions = (self.functions - parity).div_ceil(2);
            let target = if (parity == 0) == self.keeps_parity { &mut into.even } else { &mut into.odd };
            let rows = Rows { values: &coefficients[parity * width..], stride: 2 * width };
            product(&self.values[parity], functions, rows, width, target, width, false);
        }
    }

    /// Adds the integrals of every function times the given field to `into`, a row for each function. The field is
    /// given by the sums (`even`) and the differences (`odd`) of its values at the pairs of points.
    pub fn add_integrals(&self, field: &Mirrored, into: &mut [f64]) {
        let width = into.len() / self.functions;
        for parity in [0, 1] {
            let source = if (parity == 0) == self.keeps_parity { &field.even } else { &field.odd };
            let rows = Rows { values: source, stride: width };
            product(&self.weighted[parity], self.pairs, rows, width, &mut into[parity * width..], 2 * width, true);
        }
    }
}

/// Rows of `into`: `matrix`, row-major, times the rows of `from`, all of `width` values.
pub(super) fn multiply(matrix: &[f64], from: &[f64], width: usize, into: &mut [f64]) {
    product(matrix, from.len() / width, Rows { values: from, stride: width }, width, into, width, false);
}
