//! From parameters to the frames of a trajectory, as files hold them.

use std::array;

use rustfft::num_complex::Complex64;

use super::constants::CHECKS;
use super::parameters::ShearFlow;
use super::solver::Solver;
use crate::systems::fourier::Fourier;
use crate::systems::solver_error::SolverError;
use crate::systems::system::Resolution;

/// One frame on the stored grid `[nx, ny]`: row-major, `x` first, `y` fastest; non-dimensional.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFrame {
    /// Time.
    pub time: f64,
    /// The passive tracer, `(nx, ny)`.
    pub tracer: Vec<f32>,
    /// The pressure, of zero mean, `(nx, ny)`.
    pub pressure: Vec<f32>,
    /// The velocity, `(nx, ny, 2)`: its components along `x` and `y` interleaved.
    pub velocity: Vec<f32>,
}

/// Solves the flow and passes `frames` frames, at times `0, dt, 2 dt, ...`, to `on_frame(index, frame)`.
///
/// Frame 0 is the projection of the prescribed velocity, with the pressure that belongs to it. (The Well's files have the
/// prescribed velocity there, with its divergence, and zero pressure.) Every frame is truncated to the modes that both
/// grids hold.
///
/// The same arguments give the same bytes on the same machine, whatever runs beside them: one call uses one thread.
///
/// # Errors
/// [`SolverError`] for parameters that define no flow, a stored grid finer than the solver's, or a solution that stops
/// being finite; and whatever `on_frame` returns, which ends the run.
pub fn simulate<E: From<SolverError>>(
    flow: &ShearFlow,
    resolution: &Resolution,
    frames: usize,
    dt: f64,
    mut on_frame: impl FnMut(usize, &StoredFrame) -> Result<(), E>,
) -> Result<(), E> {
    CHECKS.trajectory(resolution, frames, dt)?;
    let Resolution { solve, store } = *resolution;
    let mut solver = Solver::new(flow, solve)?;
    let mut sampler = Sampler::new(&solver, store);
    for index in 0..frames {
        solver.advance_to(index as f64 * dt)?;
        sampler.read(&mut solver);
        on_frame(index, sampler.sample(&solver))?;
    }
    Ok(())
}

/// Samples the solver's spectra on the stored grid.
struct Sampler {
    stored: Fourier,
    /// On the solver's modes.
    velocity: [Vec<Complex64>; 2],
    pressure: Vec<Complex64>,
    /// On the stored grid's modes: tracer, pressure and velocity.
    restricted: [Vec<Complex64>; 4],
    frame: StoredFrame,
}

impl Sampler {
    fn new(solver: &Solver, store: [usize; 2]) -> Self {
        let stored = Fourier::truncated(store, solver.fourier().cutoff());
        let points = store[0] * store[1];
        Self {
            velocity: array::from_fn(|_| solver.fourier().zeros()),
            pressure: solver.fourier().zeros(),
            restricted: array::from_fn(|_| stored.zeros()),
            frame: StoredFrame {
                time: 0.0,
                tracer: vec![0.0; points],
                pressure: vec![0.0; points],
                velocity: vec![0.0; 2 * points],
            },
            stored,
        }
    }

    /// Takes the velocity and its pressure from the solver.
    fn read(&mut self, solver: &mut Solver) {
        solver.velocity_spectra(&mut self.velocity);
        solver.pressure_spectrum(&self.velocity, &mut self.pressure);
    }

    fn sample(&mut self, solver: &Solver) -> &StoredFrame {
        let Self { stored, velocity: [u, v], pressure, restricted, frame } = self;
        for (spectrum, into) in [solver.tracer_spectrum(), pressure, u, v].into_iter().zip(&mut *restricted) {
            stored.restrict(solver.fourier(), spectrum, into);
        }
        let ny = stored.grid()[1];
        stored.pointwise(restricted.each_ref().map(Vec::as_slice), [], |x, [s, p, u, v], []| {
            for j in 0..ny {
                let point = x * ny + j;
                frame.tracer[point] = s[j] as f32;
                frame.pressure[point] = p[j] as f32;
                frame.velocity[2 * point] = u[j] as f32;
                frame.velocity[2 * point + 1] = v[j] as f32;
            }
        });
        frame.time = solver.time();
        frame
    }
}
