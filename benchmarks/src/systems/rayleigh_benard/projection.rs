//! From grid values to integrals with the bases.

use super::basis::{Basis, chebyshev_interpolation, chebyshev_points};
use super::fields::Fields;
use super::flow::{FlowState, Space};
use super::layer::{Evaluation, Mirrored, multiply};
use super::rows::{RowTransform, times_ik};

/// The integrals of a flow, given on the grid of `space`, with every function of the bases: velocities with the test
/// velocities of stream functions and with mean flows, buoyancy less conduction with the Dirichlet basis.
pub(super) fn project(space: &Space, fields: &Fields) -> FlowState {
    let ([nx, ny], waves) = (space.grid, space.waves());
    let heights = chebyshev_points(ny);
    let to_quadrature = chebyshev_interpolation(ny, ny, &space.rule.points);
    let mut transform = RowTransform::new(nx);
    let mut line = vec![0.0; nx];
    let mut at_quadrature = |field: &[f64], profile: &dyn Fn(f64) -> f64| {
        let mut rows = vec![0.0; ny * space.width()];
        for (j, row) in rows.chunks_exact_mut(space.width()).enumerate() {
            line.iter_mut().enumerate().for_each(|(i, value)| *value = field[i * ny + j] - profile(heights[j]));
            for (k, c) in transform.analyse(&mut line).take(waves).enumerate() {
                (row[k], row[waves + k]) = (c.re, c.im);
            }
        }
        let mut mirrored = Mirrored::zeros(space.pairs(), space.width());
        let mut points = vec![0.0; 2 * mirrored.even.len()];
        multiply(&to_quadrature, &rows, space.width(), &mut points);
        let count = space.rule.points.len();
        for pair in 0..space.pairs() {
            for i in 0..space.width() {
                let [below, above] = [pair, count - 1 - pair].map(|j| points[j * space.width() + i]);
                mirrored.even[pair * space.width() + i] = below + above;
                mirrored.odd[pair * space.width() + i] = below - above;
            }
        }
        mirrored
    };
    let mut u = at_quadrature(&fields.velocity[0], &|_| 0.0);
    let mut v = at_quadrature(&fields.velocity[1], &|_| 0.0);
    let b = at_quadrature(&fields.buoyancy, &|s| 0.5 - 0.5 * s);
    let mut mean = Mirrored::zeros(space.pairs(), 1);
    for (from, to) in [(&mut u.even, &mut mean.even), (&mut u.odd, &mut mean.odd)] {
        for (row, mean) in from.chunks_exact_mut(space.width()).zip(to) {
            *mean = std::mem::take(&mut row[0]);
        }
    }
    [&mut v.even, &mut v.odd].into_iter().for_each(|rows| times_ik(rows, &space.wavenumbers));

    let evaluation = |basis, derivative| Evaluation::new(basis, derivative, space.degrees, &space.rule);
    let mut dual = FlowState::zeros(space);
    evaluation(Basis::Clamped, 1).add_integrals(&u, &mut dual.stream);
    evaluation(Basis::Clamped, 0).add_integrals(&v, &mut dual.stream);
    evaluation(Basis::Dirichlet, 0).add_integrals(&b, &mut dual.buoyancy);
    evaluation(Basis::Dirichlet, 0).add_integrals(&mean, &mut dual.mean);
    dual
}
