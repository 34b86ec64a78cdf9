//! From coefficients to grid values.

use std::array;

use rustfft::num_complex::Complex64;

use super::basis::{Basis, chebyshev_interpolation, chebyshev_points, legendre_values};
use super::fields::Fields;
use super::flow::{FlowState, Space};
use super::layer::multiply;
use super::pressure::Pressure;
use super::rows::{RowTransform, times_ik};

/// Samples a solver's flow on a grid of evenly spaced points along `x` and Chebyshev-Gauss points in `y`. A grid
/// coarser than the solver's gets the modes, Fourier and Chebyshev, that both hold.
pub(super) struct Sampler {
    grid: [usize; 2],
    wavenumbers: Vec<f64>,
    transform: RowTransform,
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
            let columns: Vec<Vec<f64>> =
                (0..functions).map(|n| basis.values(n, derivative, &solver_points).collect()).collect();
            // For every height of the grid a value for each function.
            let value = |height: &[f64], column: &[f64]| height.iter().zip(column).map(|(h, c)| h * c).sum::<f64>();
            let row = |height| columns.iter().map(move |column| value(height, column));
            heights.chunks_exact(space.degrees).flat_map(row).collect::<Vec<f64>>()
        };
        Self {
            grid,
            wavenumbers: space.wavenumbers.clone(),
            transform: RowTransform::new(grid[0]),
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
    pub fn fields(&mut self, state: &FlowState) -> Fields {
        let zeros = || vec![0.0; self.grid[0] * self.grid[1]];
        let mut fields = Fields { velocity: array::from_fn(|_| zeros()), buoyancy: zeros() };
        self.flow(state, &mut fields);
        fields
    }

    /// Velocity and buoyancy, into `fields`.
    pub fn flow(&mut self, state: &FlowState, fields: &mut Fields) {
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

    /// The pressure of a flow, with zero mean.
    pub fn pressure(&mut self, viscosity: f64, state: &FlowState) -> Vec<f64> {
        let mut pressure = vec![0.0; self.grid[0] * self.grid[1]];
        self.pressure_into(viscosity, state, &mut pressure);
        pressure
    }

    /// The same, into `pressure`.
    pub fn pressure_into(&mut self, viscosity: f64, state: &FlowState, pressure: &mut [f64]) {
        let width = 2 * self.wavenumbers.len();
        let coefficients = self.pressure.solve(viscosity, state);
        multiply(&self.free, coefficients, width, &mut self.rows);
        self.write_grid(pressure);
    }

    /// A field on the solver's grid, cut down to the modes that both grids hold.
    pub fn restrict(&mut self, field: &[f64], into: &mut [f64]) {
        let (waves, width) = (self.wavenumbers.len(), 2 * self.wavenumbers.len());
        let ny = self.heights.len() / self.grid[1];
        let nx = field.len() / ny;
        let mut transform = RowTransform::new(nx);
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
