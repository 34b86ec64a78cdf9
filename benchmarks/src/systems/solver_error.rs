//! Why a solver gave no trajectory.

/// Why a solver gave no trajectory.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SolverError {
    /// A parameter outside the values for which the system is defined.
    #[error("{system}: `{name}` must be {expected}, but is {value}")]
    Parameter {
        /// The system's name.
        system: &'static str,
        /// The parameter's name.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What is accepted.
        expected: &'static str,
    },
    /// A grid on which the system cannot be solved or stored.
    #[error("{system}: {problem}")]
    Grid {
        /// The system's name.
        system: &'static str,
        /// What was expected, what came, and what to do.
        problem: String,
    },
    /// The solution stopped being finite.
    #[error(
        "{system}: the solution is no longer finite at t = {time} ({run}); \
         solve on a finer grid"
    )]
    Diverged {
        /// The system's name.
        system: &'static str,
        /// The time at which it was noticed.
        time: f64,
        /// The run's parameters and grid.
        run: String,
    },
    /// The solution left the range in which it means something, as solutions do on grids that do not resolve them.
    #[error("{system}: {problem} at t = {time} ({run}); solve on a finer grid")]
    Unphysical {
        /// The system's name.
        system: &'static str,
        /// What was expected and what came.
        problem: String,
        /// The time at which it was noticed.
        time: f64,
        /// The run's parameters and grid.
        run: String,
    },
}
