//! From parameters to the frames of a trajectory, as files hold them.

use super::constants::CHECKS;
use super::fields::Fields;
use super::parameters::RayleighBenard;
use super::sampling::Sampler;
use super::solver::Solver;
use crate::systems::solver_error::SolverError;
use crate::systems::system::Resolution;

/// One frame on the stored grid `[nx, ny]`: row-major, `x` first, `y` fastest (Chebyshev-Gauss points, ascending);
/// non-dimensional.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFrame {
    /// Time.
    pub time: f64,
    /// The buoyancy, `(nx, ny)`.
    pub buoyancy: Vec<f32>,
    /// The pressure, of zero mean over the layer, `(nx, ny)`.
    pub pressure: Vec<f32>,
    /// The velocity, `(nx, ny, 2)`: its components along `x` and `y` interleaved.
    pub velocity: Vec<f32>,
}

/// Solves the flow and passes `frames` frames, at times `0, dt, 2 dt, ...`, to `on_frame(index, frame)`.
///
/// StoredFrame 0 holds the prescribed initial condition as it is, at rest and with zero pressure, as The Well's files
/// do; where `delta` is below 1 its buoyancy does not meet the lower wall's. Every frame is truncated to the modes,
/// Fourier and Chebyshev, that both grids hold.
///
/// The same arguments give the same bytes on the same machine, whatever runs beside them: one call uses one thread.
///
/// # Errors
/// [`SolverError`] for parameters that define no flow, a stored grid finer than the solver's, or a solution that stops
/// being finite; and whatever `on_frame` returns, which ends the run.
pub fn simulate<E: From<SolverError>>(
    flow: &RayleighBenard,
    resolution: &Resolution,
    frames: usize,
    dt: f64,
    mut on_frame: impl FnMut(usize, &StoredFrame) -> Result<(), E>,
) -> Result<(), E> {
    CHECKS.trajectory(resolution, frames, dt)?;
    let Resolution { solve, store } = *resolution;
    let mut solver = Solver::new(flow, solve)?;
    let mut sampler = Sampler::new(solver.space(), store);
    let points = store[0] * store[1];
    let zeros = || vec![0.0; points];
    let mut fields = Fields { velocity: [zeros(), zeros()], buoyancy: zeros() };
    let mut pressure = zeros();
    let mut frame = StoredFrame {
        time: 0.0,
        buoyancy: vec![0.0; points],
        pressure: vec![0.0; points],
        velocity: vec![0.0; 2 * points],
    };

    sampler.restrict(&flow.initial_condition(solve).buoyancy, &mut fields.buoyancy);
    frame.fill(&fields, &pressure);
    on_frame(0, &frame)?;
    for index in 1..frames {
        solver.advance_to(index as f64 * dt)?;
        sampler.flow(solver.state(), &mut fields);
        sampler.pressure_into(solver.viscosity(), solver.state(), &mut pressure);
        frame.fill(&fields, &pressure);
        frame.time = solver.time();
        on_frame(index, &frame)?;
    }
    Ok(())
}

impl StoredFrame {
    fn fill(&mut self, fields: &Fields, pressure: &[f64]) {
        let [u, v] = &fields.velocity;
        for (point, velocity) in self.velocity.chunks_exact_mut(2).enumerate() {
            (velocity[0], velocity[1]) = (u[point] as f32, v[point] as f32);
            self.buoyancy[point] = fields.buoyancy[point] as f32;
            self.pressure[point] = pressure[point] as f32;
        }
    }
}
