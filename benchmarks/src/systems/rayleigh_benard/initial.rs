//! The initial condition: fluid at rest, with noise.

use super::constants::LENGTHS;
use super::fields::Fields;
use super::initial_noise::noise;
use super::parameters::RayleighBenard;

impl RayleighBenard {
    /// The initial condition on `grid`: fluid at rest, and `b = delta (1 - y) + y (1 - y) noise`.
    ///
    /// The noise is white with a standard deviation of 1e-3 on a grid of 512x128 points, as in The Well's generator
    /// (whose random numbers are its own). It is drawn mode by mode, always in the same order, and a coarser grid takes
    /// the modes that it holds: the same seed means the same initial condition on every grid, smoothed.
    pub fn initial_condition(&self, grid: [usize; 2]) -> Fields {
        let noise = noise(self.seed, grid);
        let mut fields = Fields::sample(grid, LENGTHS[0], |_, y| ([0.0; 2], y));
        for (b, noise) in fields.buoyancy.iter_mut().zip(noise) {
            let y = *b;
            *b = self.delta * (1.0 - y) + y * (1.0 - y) * noise;
        }
        fields
    }
}
