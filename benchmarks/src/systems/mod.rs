//! The physical systems of the suite and the solvers that produce their trajectories.

pub mod shear_flow;

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
}

/// The grid on which the equations are solved, and the one on which frames are kept.
///
/// A stored frame is the solution truncated to the modes that the stored grid holds, and sampled there. Solving on 3/2 of
/// the stored grid keeps every mode of it below Nyquist free of aliasing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    /// Grid points `[nx, ny]` of the solver.
    pub solve: [usize; 2],
    /// Grid points `[nx, ny]` of a frame; none larger than in `solve`.
    pub store: [usize; 2],
}
