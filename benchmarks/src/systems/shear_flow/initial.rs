//! The initial condition: shear layers with a perturbation.

use std::f64::consts::{PI, TAU};

use physrep_random::keyed;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::constants::{LENGTHS, ORIGIN};
use super::fields::Fields;
use super::parameters::{Perturbation, ShearFlow};

/// Waves of a random perturbation along `x`: wavenumbers `2 pi m` with `m = 1..=WAVES`.
const WAVES: usize = 4;
/// Root mean square of a random perturbation's velocity across a layer, at its centre.
const STRENGTH: f64 = 0.15;
/// How far a random layer may be from its even place, in distances between layers.
const JITTER: f64 = 0.2;
/// Copies of the domain along `y` on either side, which make random layers periodic.
const IMAGES: i32 = 3;

impl ShearFlow {
    /// The prescribed initial condition on `grid`. Its velocity is not free of divergence;
    /// [`Solver::new`](super::Solver::new) starts from its projection.
    pub fn initial_condition(&self, grid: [usize; 2]) -> Fields {
        match self.perturbation {
            Perturbation::Blobs(n_blobs) => self.blobs(grid, n_blobs),
            Perturbation::Random(seed) => self.random(grid, seed),
        }
    }

    /// As The Well's generator writes it. With `n = n_shear`, layers `i = 0..n` at `y_i = -1 + (2 i + 1) / n`, signs `s_i =
    /// -1, +1, -1, ...`:
    ///
    /// ```text
    /// u_x = 1/2 + sum_i s_i/2 tanh(5 n (y - y_i) / width)
    /// u_y = 1/10 sum_i sin(s_i n_blobs pi x) exp(-25 n^2 (y - y_i)^2 / width^2)
    /// s   = u_x
    /// ```
    fn blobs(&self, grid: [usize; 2], n_blobs: usize) -> Fields {
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
            let wave = (n_blobs as f64 * PI * x).sin();
            ([shear, 0.1 * wave * bump], shear)
        })
    }

    /// The same layers, but for a random shift of all and of each, which changes the distances between them, and a
    /// perturbation with the stream function `psi`:
    ///
    /// ```text
    /// y_i = -1 + shift + (2 i + 1) / n + jitter_i / n     shift in [-1, 1), jitter_i in [-0.4, 0.4)
    /// u_x = 1/2 + sum_i s_i/2 tanh(5 n (y - y_i) / width) - dpsi/dy
    /// u_y = dpsi/dx
    /// psi = sum_i exp(-2 n^2 (y - y_i)^2) sum_m a_im sin(2 pi m x + phase_im) / (2 pi m)        m = 1, ..., 4
    /// s   = 1/2 + sum_i s_i/2 tanh(5 n (y - y_i) / width)
    /// ```
    ///
    /// `a_im` is normal with the standard deviation `0.15 / sqrt(2)`, which makes the root mean square of `u_y` 0.15 on a
    /// layer. Sums over layers include their images in the copies of the domain along `y`.
    fn random(&self, grid: [usize; 2], seed: u64) -> Fields {
        let n = self.n_shear as f64;
        let mut random = keyed("physrep-bench 2 shear flow", &[&seed.to_le_bytes()]);
        let shift = LENGTHS[1] * (random.random::<f64>() - 0.5);
        let layers: Vec<Layer> = (0..self.n_shear)
            .map(|i| Layer {
                sign: if i % 2 == 0 { -1.0 } else { 1.0 },
                centre: ORIGIN[1]
                    + shift
                    + (2 * i + 1) as f64 / n
                    + 2.0 * JITTER * (2.0 * random.random::<f64>() - 1.0) / n,
                waves: std::array::from_fn(|_| {
                    let amplitude: f64 = StandardNormal.sample(&mut random);
                    [STRENGTH * amplitude * (2.0 / WAVES as f64).sqrt(), TAU * random.random::<f64>()]
                }),
            })
            .collect();
        Fields::sample(grid, |x, y| {
            let (mut shear, mut velocity) = (0.5, [0.0; 2]);
            for layer in &layers {
                for image in -IMAGES..=IMAGES {
                    let distance = y - layer.centre + f64::from(image) * LENGTHS[1];
                    shear += 0.5 * layer.sign * (5.0 * n * distance / self.width).tanh();
                    let envelope = (-2.0 * n * n * distance * distance).exp();
                    for (m, [amplitude, phase]) in (1..).zip(layer.waves) {
                        let wavenumber = TAU * f64::from(m);
                        let (sine, cosine) = (wavenumber * x + phase).sin_cos();
                        velocity[0] += 4.0 * n * n * distance * envelope * amplitude * sine / wavenumber;
                        velocity[1] += envelope * amplitude * cosine;
                    }
                }
            }
            ([shear + velocity[0], velocity[1]], shear)
        })
    }
}

/// A layer with the amplitude and the phase of each wave on it.
struct Layer {
    sign: f64,
    centre: f64,
    waves: [[f64; 2]; WAVES],
}
