//! The physical fields on a grid.

use std::f64::consts::PI;

/// Velocity and buoyancy on a grid `[nx, ny]`: `nx * ny` values each, row-major, `x` first, `y` fastest. Along `x`
/// points are evenly spaced, along `y` they are Chebyshev-Gauss points, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// Components of the velocity along `x` and `y`.
    pub velocity: [Vec<f64>; 2],
    /// The buoyancy.
    pub buoyancy: Vec<f64>,
}

impl Fields {
    /// Evaluates `f(x, y) = ([u_x, u_y], b)` at the points of a grid whose extent along `x` is `length`.
    pub fn sample(grid: [usize; 2], length: f64, f: impl Fn(f64, f64) -> ([f64; 2], f64)) -> Self {
        let [nx, ny] = grid;
        let mut fields = Self { velocity: [vec![0.0; nx * ny], vec![0.0; nx * ny]], buoyancy: vec![0.0; nx * ny] };
        for i in 0..nx {
            for j in 0..ny {
                let x = i as f64 * length / nx as f64;
                let y = 0.5 - 0.5 * (PI * (j as f64 + 0.5) / ny as f64).cos();
                let (u, b) = f(x, y);
                fields.velocity[0][i * ny + j] = u[0];
                fields.velocity[1][i * ny + j] = u[1];
                fields.buoyancy[i * ny + j] = b;
            }
        }
        fields
    }
}
