//! Solves Rayleigh-Benard convection and prints how many steps it takes once developed, and how well the grid resolves it:
//!
//! ```sh
//! cargo run --release -p physrep-benchmarks --example rayleigh_benard_published -- 512 128 1e8 1 0.6 12
//! ```
//!
//! Arguments: the solver's grid `nx ny`, Rayleigh, Prandtl, dT, the final time. Prints one line per unit of time: steps,
//! their mean length, seconds per step, the kinetic energy, the Nusselt number, and the share of enstrophy in the outer third
//! of the spectrum.

use std::time::Instant;

use physrep_benchmarks::systems::rayleigh_benard::{RayleighBenard, Solver};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<f64> = std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let [nx, ny, rayleigh, prandtl, delta, end] = arguments[..] else {
        return Err("expected: nx ny Rayleigh Prandtl dT end".into());
    };
    let flow = RayleighBenard { rayleigh, prandtl, delta, seed: 40 };
    let mut solver = Solver::new(&flow, [nx as usize, ny as usize])?;
    println!("{flow}, grid {nx}x{ny}");
    for unit in 1..=end as usize {
        let (before, clock) = (solver.steps(), Instant::now());
        solver.advance_to(unit as f64)?;
        let steps = solver.steps() - before;
        let seconds = clock.elapsed().as_secs_f64() / steps as f64;
        let d = solver.diagnostics();
        println!("t = {unit}: {steps} steps of {:.1e}, {seconds:.4} s each, {d:?}", 1.0 / steps as f64);
    }
    Ok(())
}
