//! How a simulation ends early: its solver fails, or its caller stops it.

use super::solver_error::SolverError;
use super::system::Case;
use crate::Error;

/// Why a simulation ended early.
pub(super) enum Stop {
    /// The solver gave up.
    Solver(SolverError),
    /// The caller stopped it.
    Caller(Error),
}

impl From<SolverError> for Stop {
    fn from(error: SolverError) -> Self {
        Self::Solver(error)
    }
}

impl Stop {
    /// The error of the simulation of `case`.
    pub fn into_error(self, system: &str, case: &Case) -> Error {
        match self {
            Self::Caller(error) => error,
            Self::Solver(error) => simulation_error(system, case, error.to_string()),
        }
    }
}

/// The error of the simulation of `case`, for a reason other than the solver's.
pub(super) fn simulation_error(system: &str, case: &Case, reason: String) -> Error {
    Error::Simulation {
        system: system.into(),
        case: format!("parameters {:?}, initial condition {:?}", case.parameters, case.initial),
        reason,
    }
}
