//! From grid values to integrals with the bases, and from coefficients to grid values.

use std::array;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rustfft::num_complex::Complex64;

use super::Fields;
use super::advection::Rows;
use super::basis::{Basis, chebyshev_interpolation, chebyshev_points, legendre_values};
use super::flow::{Flow, Space};
use super::layer::{Evaluation, Mirrored};
use super::pressure::Pressure;
use super::solver::Solver;

/// The integrals of a flow, given on the grid of `space`, with every function of the bases: velocities with the test
/// velocities of stream functions and with mean flows, buoyancy less conduction with the Dirichlet basis.
pub(super) fn project(space: &Space, fields: &Fields) -> Flow {
    let ([nx, ny], waves) = (space.grid, space.waves());
    let heights = chebyshev_points(ny);
    let to_quadrature = chebyshev_interpolation(ny, ny, &space.rule.points);
    let mut transform = Rows::new(nx);
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
    let mut dual = Flow::zeros(space);
    evaluation(Basis::Clamped, 1).add_integrals(&u, &mut dual.stream);
    evaluation(Basis::Clamped, 0).add_integrals(&v, &mut dual.stream);
    evaluation(Basis::Dirichlet, 0).add_integrals(&b, &mut dual.buoyancy);
    evaluation(Basis::Dirichlet, 0).add_integrals(&mean, &mut dual.mean);
    dual
}

/// Multiplies every row's coefficient of wavenumber `k` by `i k`.
pub(super) fn times_ik(rows: &mut [f64], wavenumbers: &[f64]) {
    let waves = wavenumbers.len();
    for row in rows.chunks_exact_mut(2 * waves) {
        let (re, im) = row.split_at_mut(waves);
        for ((re, im), k) in re.iter_mut().zip(im).zip(wavenumbers) {
            (*re, *im) = (-k * *im, k * *re);
        }
    }
}

/// Rows of `into`: `matrix`, row-major, times the rows of `from`, all of `width` numbers.
fn multiply(matrix: &[f64], from: &[f64], width: usize, into: &mut [f64]) {
    let (inner, outer) = (from.len() / width, into.len() / width);
    matmul(
        MatMut::from_column_major_slice_mut(into, width, outer),
        Accum::Replace,
        MatRef::from_column_major_slice(from, width, inner),
        MatRef::from_column_major_slice(matrix, inner, outer),
        1.0,
        Par::Seq,
    );
}

/// Samples a solver's flow on a grid of evenly spaced points along `x` and Chebyshev-Gauss points in `y`. A grid coarser than
/// the solver's gets the modes, Fourier and Chebyshev, that both hold.
pub(super) struct Sampler {
    grid: [usize; 2],
    wavenumbers: Vec<f64>,
    transform: Rows,
    /// Stream function and its slope, buoyancy or mean flow, pressure: from coefficients to the grid's heights.
    stream: Vec<f64>,
    slope: Vec<f64>,
    dirichlet: Vec<f64>,
    free: Vec<f64>,
    /// From the solver's heights to the grid's.
    heights: Vec<f64>,
    conduction: Vec<f64>,
    rows: Vec<f64>,
    mean: Vec<f64>,
    line: Vec<f64>,
    pressure: Pressure,
}

impl Sampler {
    pub fn new(space: &Space, grid: [usize; 2]) -> Self {
        let solver_points: Vec<Vec<f64>> =
            chebyshev_points(space.degrees).iter().map(|&s| legendre_values(space.degrees, s)).collect();
        let points = chebyshev_points(grid[1]);
        let heights = chebyshev_interpolation(space.degrees, grid[1], &points);
        let matrix = |basis: Basis, derivative: usize| {
            let functions = basis.count(space.degrees);
            let columns = (0..functions).flat_map(|n| basis.values(n, derivative, &solver_points));
            let columns: Vec<f64> = columns.collect();
            // As rows of the product: for every height of the grid a value for each function.
            let mut matrix = vec![0.0; grid[1] * functions];
            matmul(
                MatMut::from_row_major_slice_mut(&mut matrix, grid[1], functions),
                Accum::Replace,
                MatRef::from_row_major_slice(&heights, grid[1], space.degrees),
                MatRef::from_column_major_slice(&columns, space.degrees, functions),
                1.0,
                Par::Seq,
            );
            matrix
        };
        Self {
            grid,
            wavenumbers: space.wavenumbers.clone(),
            transform: Rows::new(grid[0]),
            stream: matrix(Basis::Clamped, 0),
            slope: matrix(Basis::Clamped, 1),
            dirichlet: matrix(Basis::Dirichlet, 0),
            free: matrix(Basis::Free, 0),
            conduction: points.iter().map(|s| 0.5 - 0.5 * s).collect(),
            rows: vec![0.0; grid[1] * space.width()],
            mean: vec![0.0; grid[1]],
            line: vec![0.0; grid[0]],
            pressure: Pressure::new(space),
            heights,
        }
    }

    /// Velocity and buoyancy.
    pub fn fields(&mut self, state: &Flow) -> Fields {
        let zeros = || vec![0.0; self.grid[0] * self.grid[1]];
        let mut fields = Fields { velocity: array::from_fn(|_| zeros()), buoyancy: zeros() };
        self.flow(state, &mut fields);
        fields
    }

    /// Velocity and buoyancy, into `fields`.
    pub fn flow(&mut self, state: &Flow, fields: &mut Fields) {
        let width = 2 * self.wavenumbers.len();
        multiply(&self.dirichlet, &state.mean, 1, &mut self.mean);
        multiply(&self.slope, &state.stream, width, &mut self.rows);
        self.rows.chunks_exact_mut(width).zip(&self.mean).for_each(|(row, mean)| row[0] += mean);
        self.write_grid(&mut fields.velocity[0]);
        multiply(&self.stream, &state.stream, width, &mut self.rows);
        self.rows.iter_mut().for_each(|c| *c = -*c);
        times_ik(&mut self.rows, &self.wavenumbers);
        self.write_grid(&mut fields.velocity[1]);
        multiply(&self.dirichlet, &state.buoyancy, width, &mut self.rows);
        self.rows.chunks_exact_mut(width).zip(&self.conduction).for_each(|(row, b)| row[0] += b);
        self.write_grid(&mut fields.buoyancy);
    }

    /// The pressure of the solver's flow, with zero mean.
    pub fn pressure(&mut self, solver: &Solver) -> Vec<f64> {
        let mut pressure = vec![0.0; self.grid[0] * self.grid[1]];
        self.pressure_into(solver, &mut pressure);
        pressure
    }

    /// The same, into `pressure`.
    pub fn pressure_into(&mut self, solver: &Solver, pressure: &mut [f64]) {
        let width = 2 * self.wavenumbers.len();
        let coefficients = self.pressure.solve(solver.viscosity(), solver.state());
        multiply(&self.free, coefficients, width, &mut self.rows);
        self.write_grid(pressure);
    }

    /// A field on the solver's grid, cut down to the modes that both grids hold.
    pub fn restrict(&mut self, field: &[f64], into: &mut [f64]) {
        let (waves, width) = (self.wavenumbers.len(), 2 * self.wavenumbers.len());
        let ny = self.heights.len() / self.grid[1];
        let nx = field.len() / ny;
        let mut transform = Rows::new(nx);
        let mut rows = vec![0.0; ny * width];
        let mut line = vec![0.0; nx];
        for (j, row) in rows.chunks_exact_mut(width).enumerate() {
            line.iter_mut().enumerate().for_each(|(i, value)| *value = field[i * ny + j]);
            for (k, c) in transform.analyse(&mut line).take(waves).enumerate() {
                (row[k], row[waves + k]) = (c.re, c.im);
            }
        }
        multiply(&self.heights, &rows, width, &mut self.rows);
        self.write_grid(into);
    }

    /// From `rows` to grid values.
    fn write_grid(&mut self, into: &mut [f64]) {
        let (waves, [nx, ny]) = (self.wavenumbers.len(), self.grid);
        for (j, row) in self.rows.chunks_exact(2 * waves).enumerate() {
            let kept = waves.min(nx / 2);
            self.transform.synthesise(kept, |k| Complex64::new(row[k], row[waves + k]), &mut self.line);
            self.line.iter().enumerate().for_each(|(i, value)| into[i * ny + j] = *value);
        }
    }
}
