//! Checks of what a solver is given. Every message names the system.

use super::solver_error::SolverError;
use super::system::Resolution;

/// The checks of one system.
pub(super) struct Checks {
    /// The system's name.
    pub system: &'static str,
    /// Grid points below which an axis is refused.
    pub smallest_axis: usize,
}

impl Checks {
    /// The error of a parameter that is not as expected.
    pub fn parameter(&self, name: &'static str, value: f64, expected: &'static str) -> SolverError {
        SolverError::Parameter { system: self.system, name, value, expected }
    }

    /// Refuses everything but positive finite values.
    pub fn positive(&self, name: &'static str, value: f64) -> Result<(), SolverError> {
        if value.is_finite() && value > 0.0 {
            return Ok(());
        }
        Err(self.parameter(name, value, "a positive finite number"))
    }

    /// Refuses a grid with an odd number of points, or fewer than the smallest, along an axis. `what` says which grid
    /// it is.
    pub fn grid(&self, what: &str, grid: [usize; 2]) -> Result<(), SolverError> {
        let ([nx, ny], smallest) = (grid, self.smallest_axis);
        if grid.iter().all(|n| n.is_multiple_of(2) && *n >= smallest) {
            return Ok(());
        }
        Err(self.grid_problem(format!(
            "the {what} grid must have an even number of at least {smallest} points along x and y, but is {nx}x{ny}"
        )))
    }

    /// Refuses a field that does not have one finite value for each point of `grid`.
    pub fn field(&self, name: &'static str, values: &[f64], grid: [usize; 2]) -> Result<(), SolverError> {
        let [nx, ny] = grid;
        if values.len() != nx * ny {
            let (expected, found) = (nx * ny, values.len());
            return Err(self.grid_problem(format!(
                "the {name} must have {expected} values for the grid {nx}x{ny}, but has {found}"
            )));
        }
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(self.parameter(name, *value, "finite at every grid point")),
            None => Ok(()),
        }
    }

    /// Refuses a trajectory without frames, a time step that is not positive, and a stored grid that is finer than the
    /// solver's.
    pub fn trajectory(&self, resolution: &Resolution, frames: usize, dt: f64) -> Result<(), SolverError> {
        if frames == 0 {
            return Err(self.parameter("frames", 0.0, "at least 1"));
        }
        self.positive("dt", dt)?;
        let Resolution { solve, store } = *resolution;
        self.grid("stored", store)?;
        if (0..2).any(|axis| store[axis] > solve[axis]) {
            return Err(self.grid_problem(format!(
                "the stored grid {}x{} must be no finer than the solver's, {}x{}: solve on a finer grid or store a coarser one",
                store[0], store[1], solve[0], solve[1]
            )));
        }
        Ok(())
    }

    fn grid_problem(&self, problem: String) -> SolverError {
        SolverError::Grid { system: self.system, problem }
    }
}
