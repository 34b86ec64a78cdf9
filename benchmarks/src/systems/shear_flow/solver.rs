//! Time integration: fourth-order Runge-Kutta with the diffusion integrated exactly, and what can be read off the flow.

use std::array;

use rustfft::num_complex::Complex64;

use super::advection::{Advection, SpectralState};
use super::constants::{CHECKS, NAME};
use super::damping::{Damping, filter};
use super::diagnostics::Diagnostics;
use super::fields::Fields;
use super::parameters::ShearFlow;
use crate::systems::fourier::Fourier;
use crate::systems::solver_error::SolverError;

/// The largest step, measured by the angle through which the fastest advection turns the highest retained mode,
/// `step * max(|u_x| kx + |u_y| ky)`. The scheme is stable up to `2 sqrt(2) = 2.83` radians.
pub const COURANT: f64 = 2.0;

/// A flow that advances in time.
///
/// The state is the vorticity and the tracer in spectral space, and the constant mean velocity. With the integrating
/// factor `exp(nu k^2 t)` (Lawson 1967) the classical Runge-Kutta scheme sees the advection only, so that diffusion
/// does not limit the step. Every step ends with a filter, which touches the highest fifth of the retained modes `K`
/// only: a resolved flow has nothing there, and where the grid is too coarse it keeps the tracer's steep fronts from
/// ringing. After the first step, no step allocates memory.
pub struct Solver {
    run: String,
    viscosity: f64,
    diffusivity: f64,
    time: f64,
    steps: usize,
    advection: Advection,
    state: SpectralState,
    stage: SpectralState,
    next: SpectralState,
    rate: SpectralState,
    damping: [Damping; 2],
    /// The filter along each axis, in the order of a spectrum's modes.
    filter: [Vec<f64>; 2],
}

impl Solver {
    /// The projection of the prescribed initial condition, at time 0 on `grid` `[nx, ny]`.
    ///
    /// # Errors
    /// [`SolverError`] for parameters or a grid on which the flow is not defined.
    pub fn new(flow: &ShearFlow, grid: [usize; 2]) -> Result<Self, SolverError> {
        flow.validate()?;
        CHECKS.grid("solver's", grid)?;
        let mut solver = Self::from_fields(flow.reynolds, flow.schmidt, grid, &flow.initial_condition(grid))?;
        solver.run = format!("{flow}, grid {}x{}", grid[0], grid[1]);
        Ok(solver)
    }

    /// The projection of any velocity, with any tracer, at time 0.
    ///
    /// # Errors
    /// [`SolverError`] for parameters, a grid or fields on which the flow is not defined.
    pub fn from_fields(reynolds: f64, schmidt: f64, grid: [usize; 2], fields: &Fields) -> Result<Self, SolverError> {
        CHECKS.positive("reynolds", reynolds)?;
        CHECKS.positive("schmidt", schmidt)?;
        CHECKS.grid("solver's", grid)?;
        let [nx, ny] = grid;
        let named = [
            ("velocity along x", &fields.velocity[0]),
            ("velocity along y", &fields.velocity[1]),
            ("tracer", &fields.tracer),
        ];
        for (name, values) in named {
            CHECKS.field(name, values, grid)?;
        }

        let advection = Advection::new(grid);
        let [state, stage, next, rate] = array::from_fn(|_| SpectralState::zeros(&advection.fourier));
        let viscosity = 1.0 / reynolds;
        let diffusivity = viscosity / schmidt;
        let mut solver = Self {
            run: format!("Reynolds {reynolds}, Schmidt {schmidt}, grid {nx}x{ny}"),
            viscosity,
            diffusivity,
            time: 0.0,
            steps: 0,
            damping: [viscosity, diffusivity].map(|nu| Damping::new(nu, &advection)),
            filter: [&advection.operators.kx, &advection.operators.ky].map(|k| filter(k)),
            advection,
            state,
            stage,
            next,
            rate,
        };
        let velocity = fields.velocity.each_ref().map(|field| solver.spectrum(field));
        solver.state.tracer = solver.spectrum(&fields.tracer);
        solver.advection.mean_velocity = velocity.each_ref().map(|spectrum| spectrum[0].re);
        solver.advection.operators.vorticity(&velocity, &mut solver.state.vorticity);
        Ok(solver)
    }

    /// Time reached.
    pub fn time(&self) -> f64 {
        self.time
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Velocity and tracer on the solver's grid.
    pub fn fields(&mut self) -> Fields {
        let mut velocity = array::from_fn(|_| self.fourier().zeros());
        self.velocity_spectra(&mut velocity);
        let points = self.fourier().grid().iter().product();
        let mut fields = Fields { velocity: [vec![0.0; points], vec![0.0; points]], tracer: vec![0.0; points] };
        for (spectrum, field) in velocity.iter().zip(&mut fields.velocity) {
            self.advection.fourier.inverse(spectrum, field);
        }
        self.advection.fourier.inverse(&self.state.tracer, &mut fields.tracer);
        fields
    }

    /// The pressure on the solver's grid, of zero mean.
    pub fn pressure(&mut self) -> Vec<f64> {
        let mut velocity = array::from_fn(|_| self.fourier().zeros());
        self.velocity_spectra(&mut velocity);
        let mut spectrum = self.fourier().zeros();
        self.pressure_spectrum(&velocity, &mut spectrum);
        let mut field = vec![0.0; self.fourier().grid().iter().product()];
        self.advection.fourier.inverse(&spectrum, &mut field);
        field
    }

    /// Advances to `time` in steps of at most [`COURANT`], evened out so that the last one ends exactly at `time`.
    ///
    /// # Errors
    /// [`SolverError::Parameter`] for a time that has passed, [`SolverError::Diverged`] for a solution that is not
    /// finite.
    pub fn advance_to(&mut self, time: f64) -> Result<(), SolverError> {
        if !time.is_finite() || time < self.time {
            return Err(CHECKS.parameter("time", time, "finite and no earlier than the solver's"));
        }
        while self.time < time {
            let fastest = self.begin_step();
            let remaining = time - self.time;
            let steps = (remaining * fastest / COURANT).ceil().max(1.0);
            self.finish_step(remaining / steps)?;
            if steps == 1.0 {
                self.time = time;
            }
        }
        Ok(())
    }

    /// Takes one step of the given length, whatever the flow's speed: for studies of the scheme itself.
    ///
    /// # Errors
    /// As [`Solver::advance_to`].
    pub fn step(&mut self, step: f64) -> Result<(), SolverError> {
        CHECKS.positive("step", step)?;
        self.begin_step();
        self.finish_step(step)
    }

    /// Integrals of the flow, and how well the grid resolves it.
    pub fn diagnostics(&self) -> Diagnostics {
        let Self { time, viscosity, diffusivity, advection, state, .. } = self;
        Diagnostics::measure(*time, *viscosity, *diffusivity, advection, state)
    }

    /// The solver's transforms, whose modes every spectrum below has.
    pub(super) fn fourier(&self) -> &Fourier {
        &self.advection.fourier
    }

    pub(super) fn velocity_spectra(&self, velocity: &mut [Vec<Complex64>; 2]) {
        let mean = self.advection.mean_velocity;
        self.advection.operators.velocity(&self.state.vorticity, mean, velocity);
    }

    pub(super) fn tracer_spectrum(&self) -> &[Complex64] {
        &self.state.tracer
    }

    /// The pressure, of zero mean, that keeps `velocity` free of divergence.
    pub(super) fn pressure_spectrum(&mut self, velocity: &[Vec<Complex64>; 2], pressure: &mut [Complex64]) {
        self.advection.pressure(velocity, pressure);
    }

    /// The retained modes of a field on the solver's grid.
    pub(super) fn spectrum(&mut self, field: &[f64]) -> Vec<Complex64> {
        let mut spectrum = self.fourier().zeros();
        self.advection.fourier.forward(field, &mut spectrum);
        spectrum
    }

    /// The first stage's slope, which does not depend on the step's length; returns the fastest advection.
    fn begin_step(&mut self) -> f64 {
        self.advection.evaluate(&self.state, &mut self.rate)
    }

    fn finish_step(&mut self, h: f64) -> Result<(), SolverError> {
        self.damping.iter_mut().for_each(|damping| damping.prepare(0.5 * h));
        // `e` is the decay over half a step, `w` the state at its start, `k` the current stage's slope.
        self.combine(|e, w, k, next| {
            *next = (w + k * (h / 6.0)) * (e * e);
            (w + k * (0.5 * h)) * e
        });
        self.advection.evaluate(&self.stage, &mut self.rate);
        self.combine(|e, w, k, next| {
            *next += k * (e * h / 3.0);
            w * e + k * (0.5 * h)
        });
        self.advection.evaluate(&self.stage, &mut self.rate);
        self.combine(|e, w, k, next| {
            *next += k * (e * h / 3.0);
            w * (e * e) + k * (e * h)
        });
        self.advection.evaluate(&self.stage, &mut self.rate);
        self.combine(|_, _, k, next| *next + k * (h / 6.0));
        std::mem::swap(&mut self.state, &mut self.stage);
        self.filter();

        self.time += h;
        self.steps += 1;
        let SpectralState { vorticity, tracer } = &self.state;
        let size: f64 = vorticity.iter().chain(tracer).map(|c| c.norm_sqr()).sum();
        if size.is_finite() {
            return Ok(());
        }
        Err(SolverError::Diverged { system: NAME, time: self.time, run: self.run.clone() })
    }

    fn filter(&mut self) {
        let [x, y] = &self.filter;
        for field in self.state.fields_mut() {
            for (row, y) in field.chunks_exact_mut(x.len()).zip(y) {
                row.iter_mut().zip(x).for_each(|(mode, x)| *mode *= x * y);
            }
        }
    }

    /// Writes `f(decay, state, rate, next)` of every mode to `stage`.
    fn combine(&mut self, f: impl Fn(f64, Complex64, Complex64, &mut Complex64) -> Complex64) {
        let Self { state, rate, stage, next, damping, .. } = self;
        let (state, rate) = (state.fields(), rate.fields());
        let (stage, next) = (stage.fields_mut(), next.fields_mut());
        for (field, Damping { x, y }) in damping.iter().enumerate() {
            let width = x.decay.len();
            for (q, y) in y.decay.iter().enumerate() {
                let row = q * width..(q + 1) * width;
                let given = state[field][row.clone()].iter().zip(&rate[field][row.clone()]);
                let results = stage[field][row.clone()].iter_mut().zip(&mut next[field][row]);
                for ((x, (w, k)), (stage, next)) in x.decay.iter().zip(given).zip(results) {
                    *stage = f(x * y, *w, *k, next);
                }
            }
        }
    }
}
