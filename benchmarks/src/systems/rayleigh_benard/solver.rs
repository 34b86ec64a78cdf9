//! Time integration: diffusion implicit, everything else explicit.

use super::advection::Advection;
use super::constants::{CHECKS, LENGTHS, NAME};
use super::diagnostics::{self, Diagnostics};
use super::fields::Fields;
use super::flow::{FlowState, LinearTerms, Space};
use super::parameters::RayleighBenard;
use super::pencil::Factors;
use super::projection::project;
use super::sampling::Sampler;
use crate::systems::solver_error::SolverError;

/// The largest step, measured by the angle through which the fastest advection turns the highest mode that is resolved
/// where it happens, `step * max(|u_x| k_x + |u_y| k_y)`. The scheme is stable up to `2 sqrt(2) = 2.83` radians.
pub const COURANT: f64 = 2.0;

/// No step is longer, whatever the flow's speed (non-dimensional): that of The Well's generator.
pub const LONGEST_STEP: f64 = 0.125;

/// The implicit-explicit Runge-Kutta scheme ARS(3,4,3) of Ascher, Ruuth and Spiteri (Appl. Numer. Math. 25, 151, 1997,
/// section 2.7): third order, L-stable in the implicit part; the explicit part has the stability region of the
/// classical fourth-order scheme.
///
/// `GAMMA` is the middle root of `6 x^3 - 18 x^2 + 9 x - 1`.
const GAMMA: f64 = 0.435_866_521_508_459;
/// The implicit weights of stages 2 and 3, as in the last row and in the step itself.
const WEIGHTS: [f64; 2] = [-1.5 * GAMMA * GAMMA + 4.0 * GAMMA - 0.25, 1.5 * GAMMA * GAMMA - 5.0 * GAMMA + 1.25];
const IMPLICIT: [[f64; 2]; 3] = [[0.0, 0.0], [0.5 * (1.0 - GAMMA), 0.0], WEIGHTS];
/// Of stages 1 to 4 in the step.
const EXPLICIT_WEIGHTS: [f64; 4] = [0.0, WEIGHTS[0], WEIGHTS[1], GAMMA];
const EXPLICIT: [[f64; 3]; 3] = [[GAMMA, 0.0, 0.0], [0.5 * (1.0 + GAMMA) - A32, A32, 0.0], [1.0 - 2.0 * A43, A43, A43]];
/// The free parameter, with which `GAMMA^2 A32 A43 = 1/24`.
const A43: f64 = 0.552_929_148_035_940;
const A32: f64 = A43 * (-3.75 + 15.0 * GAMMA - 5.25 * GAMMA * GAMMA) + 4.0 - 12.5 * GAMMA + 4.5 * GAMMA * GAMMA;

/// A flow that advances in time.
///
/// The state is the stream function, the mean flow and the buoyancy less conduction, as Galerkin coefficients, and what
/// is dual to them: their integrals with the functions of the bases. After the first step, no step allocates memory.
pub struct Solver {
    run: String,
    viscosity: f64,
    diffusivity: f64,
    time: f64,
    steps: usize,
    space: Space,
    linear: LinearTerms,
    advection: Advection,
    /// Coefficients at the current time.
    state: FlowState,
    /// `M` times them.
    dual: FlowState,
    stage: FlowState,
    /// Explicit and implicit slopes of the stages.
    slopes: [FlowState; 4],
    diffusion: [FlowState; 3],
    /// Of `M`, and of `M + step GAMMA diffusivity A`.
    inertia: FlowFactors,
    implicit: FlowFactors,
}

struct FlowFactors {
    stream: Factors<2>,
    buoyancy: Factors<1>,
    mean: Factors<1>,
}

impl FlowFactors {
    fn new(linear: &LinearTerms) -> Self {
        Self { stream: linear.stream.factors(), buoyancy: linear.buoyancy.factors(), mean: linear.mean.factors() }
    }

    fn factorise(&mut self, linear: &LinearTerms, viscosity: f64, diffusivity: f64) {
        linear.stream.factorise(viscosity, &mut self.stream);
        linear.buoyancy.factorise(diffusivity, &mut self.buoyancy);
        linear.mean.factorise(viscosity, &mut self.mean);
    }

    fn solve(&self, linear: &LinearTerms, flow: &mut FlowState) {
        linear.stream.solve(&self.stream, &mut flow.stream);
        linear.buoyancy.solve(&self.buoyancy, &mut flow.buoyancy);
        linear.mean.solve(&self.mean, &mut flow.mean);
    }
}

impl Solver {
    /// The prescribed initial condition, at time 0 on `grid` `[nx, ny]`: wavenumbers below `nx / 2`, polynomials of
    /// degree below `ny`. Products are evaluated on half as many points again.
    ///
    /// # Errors
    /// [`SolverError`] for parameters or a grid on which the flow is not defined.
    pub fn new(flow: &RayleighBenard, grid: [usize; 2]) -> Result<Self, SolverError> {
        flow.validate()?;
        CHECKS.grid("solver's", grid)?;
        let initial = flow.initial_condition(grid);
        let mut solver = Self::from_fields(flow.rayleigh, flow.prandtl, LENGTHS[0], grid, &initial)?;
        solver.run = format!("{flow}, grid {}x{}", grid[0], grid[1]);
        Ok(solver)
    }

    /// Any fields at time 0 in a layer of any length, in the mean projected (in the sense of least squares) onto
    /// velocities that are free of divergence and fields that satisfy the conditions at the walls.
    ///
    /// # Errors
    /// [`SolverError`] for parameters, a grid or fields on which the flow is not defined.
    pub fn from_fields(
        rayleigh: f64,
        prandtl: f64,
        length: f64,
        grid: [usize; 2],
        fields: &Fields,
    ) -> Result<Self, SolverError> {
        CHECKS.positive("rayleigh", rayleigh)?;
        CHECKS.positive("prandtl", prandtl)?;
        CHECKS.positive("length", length)?;
        CHECKS.grid("solver's", grid)?;
        let [nx, ny] = grid;
        let named = [
            ("velocity along x", &fields.velocity[0]),
            ("velocity along y", &fields.velocity[1]),
            ("buoyancy", &fields.buoyancy),
        ];
        for (name, values) in named {
            CHECKS.field(name, values, grid)?;
        }

        let space = Space::new(grid, length);
        let linear = LinearTerms::new(&space);
        let dual = project(&space, fields);
        let mut inertia = FlowFactors::new(&linear);
        inertia.factorise(&linear, 0.0, 0.0);
        let mut state = dual.clone();
        inertia.solve(&linear, &mut state);
        let zeros = || FlowState::zeros(&space);
        Ok(Self {
            run: format!("Rayleigh {rayleigh}, Prandtl {prandtl}, length {length}, grid {nx}x{ny}"),
            viscosity: (prandtl / rayleigh).sqrt(),
            diffusivity: 1.0 / (rayleigh * prandtl).sqrt(),
            time: 0.0,
            steps: 0,
            advection: Advection::new(&space),
            state,
            dual,
            stage: zeros(),
            slopes: [(); 4].map(|()| zeros()),
            diffusion: [(); 3].map(|()| zeros()),
            inertia,
            implicit: FlowFactors::new(&linear),
            space,
            linear,
        })
    }

    /// Time reached.
    pub fn time(&self) -> f64 {
        self.time
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Velocity and buoyancy on the solver's grid.
    pub fn fields(&self) -> Fields {
        Sampler::new(&self.space, self.space.grid).fields(&self.state)
    }

    /// The pressure on the solver's grid, of zero mean over the layer.
    pub fn pressure(&self) -> Vec<f64> {
        Sampler::new(&self.space, self.space.grid).pressure(self.viscosity, &self.state)
    }

    /// Advances to `time` in steps of at most [`COURANT`] and [`LONGEST_STEP`], evened out so that the last one ends
    /// exactly at `time`.
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
            let steps = (remaining * (fastest / COURANT).max(1.0 / LONGEST_STEP)).ceil().max(1.0);
            if self.time + remaining / steps <= self.time {
                return Err(self.diverged());
            }
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
        diagnostics::measure(self.time, [self.viscosity, self.diffusivity], &self.space, &self.linear, &self.state)
    }

    pub(super) fn space(&self) -> &Space {
        &self.space
    }

    pub(super) fn state(&self) -> &FlowState {
        &self.state
    }

    pub(super) fn viscosity(&self) -> f64 {
        self.viscosity
    }

    /// The first stage's slope, which does not depend on the step's length; returns the fastest advection.
    fn begin_step(&mut self) -> f64 {
        self.advection.evaluate(&self.state, &mut self.slopes[0])
    }

    fn finish_step(&mut self, h: f64) -> Result<(), SolverError> {
        let Self { linear, advection, dual, stage, slopes, diffusion, implicit, viscosity, diffusivity, .. } = self;
        implicit.factorise(linear, h * GAMMA * *viscosity, h * GAMMA * *diffusivity);
        for i in 0..3 {
            stage.copy_from(dual);
            (0..=i).for_each(|j| stage.add(h * EXPLICIT[i][j], &slopes[j]));
            (0..i).for_each(|j| stage.add(h * IMPLICIT[i][j], &diffusion[j]));
            implicit.solve(linear, stage);
            advection.evaluate(stage, &mut slopes[i + 1]);
            let rate = &mut diffusion[i];
            rate.fill_zero();
            linear.stream.add_stiffness(-*viscosity, &stage.stream, &mut rate.stream);
            linear.buoyancy.add_stiffness(-*diffusivity, &stage.buoyancy, &mut rate.buoyancy);
            linear.mean.add_stiffness(-*viscosity, &stage.mean, &mut rate.mean);
        }
        for (weight, slope) in EXPLICIT_WEIGHTS.iter().zip(slopes) {
            dual.add(h * weight, slope);
        }
        for (weight, rate) in [WEIGHTS[0], WEIGHTS[1], GAMMA].iter().zip(diffusion) {
            dual.add(h * weight, rate);
        }
        self.state.copy_from(&self.dual);
        self.inertia.solve(&self.linear, &mut self.state);

        self.time += h;
        self.steps += 1;
        if self.state.is_finite() {
            return Ok(());
        }
        Err(self.diverged())
    }

    fn diverged(&self) -> SolverError {
        SolverError::Diverged { system: NAME, time: self.time, run: self.run.clone() }
    }
}
