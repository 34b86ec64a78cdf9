//! The initial condition: shear layers with a perturbation.

use std::f64::consts::PI;

use super::constants::ORIGIN;
use super::fields::Fields;
use super::parameters::ShearFlow;

impl ShearFlow {
    /// The prescribed initial condition on `grid`, as The Well's generator writes it.
    ///
    /// With `n = n_shear`, layers `i = 0..n` at `y_i = -1 + (2 i + 1) / n`, signs `s_i = -1, +1, -1, ...`:
    ///
    /// ```text
    /// u_x = 1/2 + sum_i s_i/2 tanh(5 n (y - y_i) / width)
    /// u_y = 1/10 sum_i sin(s_i n_blobs pi x) exp(-25 n^2 (y - y_i)^2 / width^2)
    /// s   = u_x
    /// ```
    ///
    /// This velocity is not free of divergence; [`Solver::new`](super::Solver::new) starts from its projection.
    pub fn initial_condition(&self, grid: [usize; 2]) -> Fields {
        let n = self.n_shear as f64;
        Fields::sample(grid, |x, y| {
            let (mut shear, mut bump) = (0.5, 0.0);
            for i in 0..self.n_shear {
                let sign = if i % 2 == 0 { -1.0 } else { 1.0 };
                let centre = ORIGIN[1] + (2 * i + 1) as f64 / n;
                let distance = 5.0 * n * (y - centre) / self.width;
                shear += 0.5 * sign * distance.tanh();
                bump += sign * (-distance * distance).exp();
            }
            let wave = (self.n_blobs as f64 * PI * x).sin();
            ([shear, 0.1 * wave * bump], shear)
        })
    }
}
