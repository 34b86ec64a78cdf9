//! Time integration: fourth-order Runge-Kutta with the diffusion integrated exactly.

use std::array;

use rustfft::num_complex::Complex64;

use super::constants::{CHECKS, NAME};
use super::diagnostics::Diagnostics;
use super::dynamics::{Complex, Dynamics, Peaks};
use super::fields::Fields;
use super::initial;
use super::parameters::ActiveMatter;
use crate::systems::fourier::Fourier;
use crate::systems::solver_error::SolverError;

/// The largest step times the fastest rate on the grid, `hypot(|u_x| kx + |u_y| ky + |w|, 4 (zeta + d_R + |e|))` with
/// the highest retained wavenumbers. The scheme is stable up to about 2.6. With 1.5, the order of three trajectories
/// differs from that of eight times as many steps by less than 0.001 (root mean square) after the defects have formed.
pub const STEP: f64 = 1.5;

/// The largest order `|q|` on the grid before a solution is given up. Distributions have at most 1, and so do resolved
/// solutions; a truncated series may overshoot near sharp gradients, where the closure, continued beyond 1, pulls it
/// back.
pub const LARGEST_ORDER: f64 = 1.01;

/// A suspension that advances in time.
///
/// The state is the order `q` in spectral space; the flow that belongs to it is always known. With the integrating
/// factor `exp(d_T k^2 t)` (Lawson 1967) diffusion does not limit the step. After the first step, no step allocates
/// memory.
pub struct Solver {
    run: String,
    diffusivity: f64,
    time: f64,
    steps: usize,
    dynamics: Dynamics,
    peaks: Peaks,
    state: Complex,
    stage: Complex,
    next: Complex,
    /// The slope of `stage`; between steps, that of `state`.
    rate: Complex,
    /// `exp(-d_T k^2 h / 2)` of every mode.
    decay: Vec<f64>,
}

impl Solver {
    /// The initial condition number `seed` (see [`INITIAL_ORDER`](super::INITIAL_ORDER)) at time 0 on `grid` `[nx,
    /// ny]`.
    ///
    /// # Errors
    /// [`SolverError`] for parameters or a grid on which the system is not defined.
    pub fn new(matter: &ActiveMatter, seed: u64, grid: [usize; 2]) -> Result<Self, SolverError> {
        let mut solver = Self::disordered(matter, grid)?;
        solver.run = format!("{matter}, seed {seed}, grid {}x{}", grid[0], grid[1]);
        solver.state = initial::waves(seed, solver.fourier());
        solver.begin()
    }

    /// Any order `D_xx - D_yy` and `2 D_xy`, `nx * ny` values each, at time 0.
    ///
    /// # Errors
    /// [`SolverError`] for parameters, a grid or values on which the system is not defined.
    pub fn from_order(matter: &ActiveMatter, grid: [usize; 2], order: &[Vec<f64>; 2]) -> Result<Self, SolverError> {
        let mut solver = Self::disordered(matter, grid)?;
        for (part, values) in order.iter().enumerate() {
            CHECKS.field("order", values, grid)?;
            solver.dynamics.fourier.forward(values, &mut solver.state[part]);
        }
        solver.begin()
    }

    fn disordered(matter: &ActiveMatter, grid: [usize; 2]) -> Result<Self, SolverError> {
        matter.validate()?;
        CHECKS.grid("solver's", grid)?;
        let dynamics = Dynamics::new(matter, grid);
        let [state, stage, next, rate] = array::from_fn(|_| array::from_fn(|_| dynamics.fourier.zeros()));
        Ok(Self {
            run: format!("{matter}, grid {}x{}", grid[0], grid[1]),
            diffusivity: matter.translational_diffusivity,
            time: 0.0,
            steps: 0,
            decay: vec![1.0; dynamics.waves.len()],
            dynamics,
            peaks: Peaks { order: 0.0, rate: 0.0, converged: true },
            state,
            stage,
            next,
            rate,
        })
    }

    fn begin(mut self) -> Result<Self, SolverError> {
        self.peaks = self.dynamics.evaluate(self.time, &self.state, &mut self.rate);
        self.check()?;
        Ok(self)
    }

    /// Time reached.
    pub fn time(&self) -> f64 {
        self.time
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Iterations of the Stokes equation so far; each step solves it four times.
    pub fn iterations(&self) -> usize {
        self.dynamics.stokes.iterations
    }

    /// Order and flow on the solver's grid.
    pub fn fields(&mut self) -> Fields {
        let mut spectra = array::from_fn(|_| self.fourier().zeros());
        self.spectra(&mut spectra);
        let points: usize = self.fourier().grid().iter().product();
        let mut values = spectra.iter().map(|spectrum| {
            let mut field = vec![0.0; points];
            self.dynamics.fourier.inverse(spectrum, &mut field);
            field
        });
        let mut pair = || array::from_fn(|_| values.next().expect("six fields"));
        Fields { order: pair(), velocity: pair(), strain: pair() }
    }

    /// Advances to `time` in steps of at most [`STEP`], evened out so that the last one ends exactly at `time`.
    ///
    /// # Errors
    /// [`SolverError::Parameter`] for a time that has passed, [`SolverError::Diverged`] for a solution that is not
    /// finite, [`SolverError::Unphysical`] for one whose `|q|` exceeds [`LARGEST_ORDER`]: no distribution of rods has
    /// such moments.
    pub fn advance_to(&mut self, time: f64) -> Result<(), SolverError> {
        if !time.is_finite() || time < self.time {
            return Err(CHECKS.parameter("time", time, "finite and no earlier than the solver's"));
        }
        while self.time < time {
            let remaining = time - self.time;
            let steps = (remaining * self.peaks.rate / STEP).ceil().max(1.0);
            let end = if steps == 1.0 { time } else { self.time + remaining / steps };
            self.step_to(end)?;
        }
        Ok(())
    }

    /// Takes one step of the given length, whatever the rates on the grid: for studies of the scheme itself.
    ///
    /// # Errors
    /// As [`Solver::advance_to`].
    pub fn step(&mut self, step: f64) -> Result<(), SolverError> {
        CHECKS.positive("step", step)?;
        self.step_to(self.time + step)
    }

    /// Means over the domain, and how well the grid resolves the solution.
    pub fn diagnostics(&self) -> Diagnostics {
        Diagnostics::measure(self.time, self.peaks.order, &self.dynamics, &self.state)
    }

    /// The solver's transforms, whose modes every spectrum below has.
    pub(super) fn fourier(&self) -> &Fourier {
        &self.dynamics.fourier
    }

    /// Writes the spectra of [`Fields`], in its order.
    pub(super) fn spectra(&self, spectra: &mut [Vec<Complex64>; 6]) {
        let [a, b, u, v, xx, xy] = spectra;
        a.copy_from_slice(&self.state[0]);
        b.copy_from_slice(&self.state[1]);
        for (i, (wave, w)) in self.dynamics.waves.iter().zip(&self.dynamics.stokes.vorticity).enumerate() {
            [u[i], v[i]] = wave.velocity(*w);
            [xx[i], xy[i]] = wave.strain(*w);
        }
    }

    fn step_to(&mut self, end: f64) -> Result<(), SolverError> {
        let h = end - self.time;
        let middle = self.time + 0.5 * h;
        for (decay, wave) in self.decay.iter_mut().zip(&self.dynamics.waves) {
            *decay = (-0.5 * h * self.diffusivity * wave.square).exp();
        }
        // `e` is the decay over half a step, `q` the state at its start, `k` the current stage's slope.
        self.combine(|e, q, k, next| {
            *next = (q + k * (h / 6.0)) * (e * e);
            (q + k * (0.5 * h)) * e
        });
        self.evaluate(middle);
        self.combine(|e, q, k, next| {
            *next += k * (e * h / 3.0);
            q * e + k * (0.5 * h)
        });
        self.evaluate(middle);
        self.combine(|e, q, k, next| {
            *next += k * (e * h / 3.0);
            q * (e * e) + k * (e * h)
        });
        self.evaluate(end);
        self.combine(|_, _, k, next| *next + k * (h / 6.0));
        std::mem::swap(&mut self.state, &mut self.stage);
        self.peaks = self.dynamics.evaluate(end, &self.state, &mut self.rate);
        self.time = end;
        self.steps += 1;
        self.check()
    }

    fn evaluate(&mut self, time: f64) {
        self.dynamics.evaluate(time, &self.stage, &mut self.rate);
    }

    /// Writes `f(decay, state, rate, next)` of every mode to `stage`.
    fn combine(&mut self, f: impl Fn(f64, Complex64, Complex64, &mut Complex64) -> Complex64) {
        for part in 0..2 {
            let given = self.decay.iter().zip(&self.state[part]).zip(&self.rate[part]);
            for (((e, q), k), (stage, next)) in given.zip(self.stage[part].iter_mut().zip(&mut self.next[part])) {
                *stage = f(*e, *q, *k, next);
            }
        }
    }

    fn check(&self) -> Result<(), SolverError> {
        let Self { time, run, peaks: Peaks { order, rate, converged }, .. } = self;
        let size: f64 = self.state.iter().flatten().map(|c| c.norm_sqr()).sum();
        if !(size.is_finite() && rate.is_finite() && *converged) {
            return Err(SolverError::Diverged { system: NAME, time: *time, run: run.clone() });
        }
        if *order > LARGEST_ORDER {
            let problem = format!(
                "the orientational order must be at most 1 (to {LARGEST_ORDER} for a truncated series), but is {order}"
            );
            return Err(SolverError::Unphysical { system: NAME, problem, time: *time, run: run.clone() });
        }
        Ok(())
    }
}
