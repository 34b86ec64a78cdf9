//! The physical fields on a grid.

/// Order and flow on a grid `[nx, ny]`: `nx * ny` values each, row-major, `x` first, `y` fastest; non-dimensional.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// `D_xx - D_yy` and `2 D_xy`; the trace of `D` is 1.
    pub order: [Vec<f64>; 2],
    /// Components of the velocity along `x` and `y`.
    pub velocity: [Vec<f64>; 2],
    /// `E_xx` and `E_xy`; the trace of `E` is 0.
    pub strain: [Vec<f64>; 2],
}
