//! The physical fields on a grid.

use super::constants::{LENGTHS, ORIGIN};

/// Velocity and tracer on a grid `[nx, ny]`: `nx * ny` values each, row-major, `x` first, `y` fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// Components of the velocity along `x` and `y`.
    pub velocity: [Vec<f64>; 2],
    /// The passive tracer.
    pub tracer: Vec<f64>,
}

impl Fields {
    /// Evaluates `f(x, y) = ([u_x, u_y], s)` at the grid's points, `(i Lx / nx, -1 + j Ly / ny)`.
    pub fn sample(grid: [usize; 2], f: impl Fn(f64, f64) -> ([f64; 2], f64)) -> Self {
        let [nx, ny] = grid;
        let spacing = [LENGTHS[0] / nx as f64, LENGTHS[1] / ny as f64];
        let mut fields = Self { velocity: [vec![0.0; nx * ny], vec![0.0; nx * ny]], tracer: vec![0.0; nx * ny] };
        for i in 0..nx {
            for j in 0..ny {
                let x = ORIGIN[0] + i as f64 * spacing[0];
                let y = ORIGIN[1] + j as f64 * spacing[1];
                let (u, s) = f(x, y);
                fields.velocity[0][i * ny + j] = u[0];
                fields.velocity[1][i * ny + j] = u[1];
                fields.tracer[i * ny + j] = s;
            }
        }
        fields
    }
}
