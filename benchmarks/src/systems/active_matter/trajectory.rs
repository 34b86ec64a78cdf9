//! From parameters to the frames of a trajectory, as files hold them.

use std::array;

use rustfft::num_complex::Complex64;

use super::constants::CHECKS;
use super::parameters::ActiveMatter;
use super::solver::Solver;
use crate::systems::fourier::Fourier;
use crate::systems::solver_error::SolverError;
use crate::systems::system::Resolution;

/// One frame on the stored grid `[nx, ny]`: row-major, `x` first, `y` fastest; non-dimensional.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFrame {
    /// Time.
    pub time: f64,
    /// The concentration, `(nx, ny)`, which is 1.
    pub concentration: Vec<f32>,
    /// The velocity, `(nx, ny, 2)`: its components along `x` and `y` interleaved.
    pub velocity: Vec<f32>,
    /// The second moment `D` of the orientations, `(nx, ny, 2, 2)`, symmetric.
    pub orientation: Vec<f32>,
    /// The rate of strain `E`, `(nx, ny, 2, 2)`, symmetric and without trace.
    pub strain: Vec<f32>,
}

/// Solves the system from the initial condition number `seed` and passes `frames` frames, at times `0, dt, 2 dt, ...`,
/// to `on_frame(index, frame)`. Every frame is truncated to the modes that both grids hold.
///
/// The same arguments give the same bytes on the same machine, whatever runs beside them: one call uses one thread.
///
/// # Errors
/// [`SolverError`] for parameters that define no suspension, a stored grid finer than the solver's, or a solution that
/// stops being finite or physical; and whatever `on_frame` returns, which ends the run.
pub fn simulate<E: From<SolverError>>(
    matter: &ActiveMatter,
    seed: u64,
    resolution: &Resolution,
    frames: usize,
    dt: f64,
    mut on_frame: impl FnMut(usize, &StoredFrame) -> Result<(), E>,
) -> Result<(), E> {
    CHECKS.trajectory(resolution, frames, dt)?;
    let Resolution { solve, store } = *resolution;
    let mut solver = Solver::new(matter, seed, solve)?;
    let mut sampler = Sampler::new(&solver, store);
    for index in 0..frames {
        solver.advance_to(index as f64 * dt)?;
        on_frame(index, sampler.sample(&solver))?;
    }
    Ok(())
}

/// Samples the solver's spectra on the stored grid.
struct Sampler {
    stored: Fourier,
    /// Order, velocity and strain, on the solver's modes and on the stored grid's.
    spectra: [Vec<Complex64>; 6],
    restricted: [Vec<Complex64>; 6],
    frame: StoredFrame,
}

impl Sampler {
    fn new(solver: &Solver, store: [usize; 2]) -> Self {
        let stored = Fourier::truncated(store, solver.fourier().cutoff());
        let points = store[0] * store[1];
        Self {
            spectra: array::from_fn(|_| solver.fourier().zeros()),
            restricted: array::from_fn(|_| stored.zeros()),
            frame: StoredFrame {
                time: 0.0,
                concentration: vec![1.0; points],
                velocity: vec![0.0; 2 * points],
                orientation: vec![0.0; 4 * points],
                strain: vec![0.0; 4 * points],
            },
            stored,
        }
    }

    fn sample(&mut self, solver: &Solver) -> &StoredFrame {
        let Self { stored, spectra, restricted, frame } = self;
        solver.spectra(spectra);
        for (spectrum, into) in spectra.iter().zip(&mut *restricted) {
            stored.restrict(solver.fourier(), spectrum, into);
        }
        let ny = stored.grid()[1];
        stored.pointwise(restricted.each_ref().map(Vec::as_slice), [], |x, [a, b, u, v, e_xx, e_xy], []| {
            for j in 0..ny {
                let point = x * ny + j;
                let (xx, xy) = ((0.5 + 0.5 * a[j]) as f32, (0.5 * b[j]) as f32);
                frame.velocity[2 * point..][..2].copy_from_slice(&[u[j] as f32, v[j] as f32]);
                frame.orientation[4 * point..][..4].copy_from_slice(&[xx, xy, xy, 1.0 - xx]);
                let (xx, xy) = (e_xx[j] as f32, e_xy[j] as f32);
                frame.strain[4 * point..][..4].copy_from_slice(&[xx, xy, xy, -xx]);
            }
        });
        frame.time = solver.time();
        frame
    }
}
