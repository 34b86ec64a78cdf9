//! Steps per second of every solver, on one thread:
//!
//! ```sh
//! cargo bench -p physrep-benchmarks --bench solvers
//! ```
//!
//! Every flow is first advanced until it is developed; then every iteration is one step more of it. `elem/s` are steps per
//! second. A grid's parameters are among those for which it is meant: the suites' for coarse ones, The Well's for fine ones.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use physrep_benchmarks::systems::SolverError;
use physrep_benchmarks::systems::active_matter::{self, ActiveMatter};
use physrep_benchmarks::systems::rayleigh_benard::{self, RayleighBenard};
use physrep_benchmarks::systems::shear_flow::{self, Perturbation, ShearFlow};

/// The grid, and the two parameters that the suites vary.
type GridAndParameters = ([usize; 2], [f64; 2]);

/// `zeta` and `alpha`.
const ACTIVE_MATTER: [GridAndParameters; 4] =
    [([48, 48], [0.6, -1.5]), ([64, 64], [1.0, -3.0]), ([128, 128], [3.0, -3.0]), ([256, 256], [9.0, -3.0])];
/// Reynolds and Schmidt.
const SHEAR_FLOW: [GridAndParameters; 4] =
    [([48, 96], [5e2, 1.0]), ([64, 128], [1e3, 1.0]), ([128, 256], [1e4, 1.0]), ([256, 512], [1e5, 1.0])];
/// Rayleigh and Prandtl.
const RAYLEIGH_BENARD: [GridAndParameters; 4] =
    [([64, 32], [1e5, 1.0]), ([96, 48], [1e6, 1.0]), ([128, 64], [1e6, 1.0]), ([512, 128], [1e8, 1.0])];

/// What the three solvers have in common.
trait TimedSolver: Sized {
    fn steps(&self) -> usize;
    fn advance_to(&mut self, time: f64) -> Result<(), SolverError>;
    fn step(&mut self, step: f64) -> Result<(), SolverError>;
}

macro_rules! solvers {
    ($($system:ident),*) => {$(
        impl TimedSolver for $system::Solver {
            fn steps(&self) -> usize {
                self.steps()
            }
            fn advance_to(&mut self, time: f64) -> Result<(), SolverError> {
                self.advance_to(time)
            }
            fn step(&mut self, step: f64) -> Result<(), SolverError> {
                self.step(step)
            }
        }
    )*};
}

solvers!(active_matter, shear_flow, rayleigh_benard);

/// A flow at `time`, and a step that stays stable from there on: three quarters of the mean step that the solver itself took
/// over the last `interval`.
fn developed<S: TimedSolver>(mut solver: S, time: f64, interval: f64) -> Result<(S, f64), SolverError> {
    solver.advance_to(time - interval)?;
    let before = solver.steps();
    solver.advance_to(time)?;
    let steps = solver.steps() - before;
    Ok((solver, 0.75 * interval / steps as f64))
}

/// Measures a step of the flow that `develop` prepares, unless the command line leaves it out.
fn measure<S: TimedSolver>(
    group: &mut BenchmarkGroup<WallTime>,
    [nx, ny]: [usize; 2],
    develop: impl Fn() -> Result<(S, f64), SolverError>,
) {
    let mut flow = None;
    group.bench_function(BenchmarkId::from_parameter(format!("{nx}x{ny}")), |bencher| {
        let (solver, step) = flow.get_or_insert_with(|| develop().expect("the grid resolves the flow"));
        bencher.iter(|| solver.step(*step).expect("the step is stable"));
    });
}

/// A time at which noise has grown into convection: the sooner, the higher the Rayleigh number.
fn convection(rayleigh: f64) -> f64 {
    if rayleigh < 1e7 { 24.0 } else { 11.0 }
}

fn system(criterion: &mut Criterion, name: &str, mut cases: impl FnMut(&mut BenchmarkGroup<WallTime>)) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(1)).sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    cases(&mut group);
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    system(&mut criterion, active_matter::NAME, |group| {
        for (grid, [zeta, alpha]) in ACTIVE_MATTER {
            let matter = ActiveMatter::new(zeta, alpha);
            measure(group, grid, || developed(active_matter::Solver::new(&matter, 0, grid)?, 10.0 / zeta, 0.25));
        }
    });
    system(&mut criterion, shear_flow::NAME, |group| {
        for (grid, [reynolds, schmidt]) in SHEAR_FLOW {
            let flow = ShearFlow { reynolds, schmidt, n_shear: 4, width: 1.0, perturbation: Perturbation::Blobs(3) };
            measure(group, grid, || developed(shear_flow::Solver::new(&flow, grid)?, 2.0, 0.2));
        }
    });
    system(&mut criterion, rayleigh_benard::NAME, |group| {
        for (grid, [rayleigh, prandtl]) in RAYLEIGH_BENARD {
            let flow = RayleighBenard { rayleigh, prandtl, delta: 0.6, seed: 40 };
            measure(group, grid, || developed(rayleigh_benard::Solver::new(&flow, grid)?, convection(rayleigh), 0.5));
        }
    });
    criterion.final_summary();
}
