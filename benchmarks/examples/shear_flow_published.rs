//! Solves shear flow at The Well's hardest parameters from all 40 of its initial conditions and prints how well the grid
//! resolves it:
//!
//! ```sh
//! cargo run --release -p physrep-benchmarks --example shear_flow_published -- 256 512 500000 0.1 20
//! ```
//!
//! Arguments: the solver's grid `nx ny`, Reynolds, Schmidt, the final time. Prints one line per initial condition: steps,
//! seconds, the largest speed and tracer over time, the least and largest mean values seen, and the shares of enstrophy
//! and tracer variance in the outer third of the spectrum.

use std::time::Instant;

use physrep_benchmarks::systems::shear_flow::{Perturbation, ShearFlow, Solver};
use rayon::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments: Vec<f64> = std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let [nx, ny, reynolds, schmidt, end] = arguments[..] else {
        return Err("expected: nx ny Reynolds Schmidt end".into());
    };
    let mut flows = Vec::new();
    for n_shear in [2, 4] {
        for n_blobs in [2, 3, 4, 5] {
            for width in [0.25, 0.5, 1.0, 2.0, 4.0] {
                let perturbation = Perturbation::Blobs(n_blobs);
                flows.push(ShearFlow { reynolds, schmidt, n_shear, width, perturbation });
            }
        }
    }
    flows.into_par_iter().try_for_each(|flow| {
        let clock = Instant::now();
        let mut solver = Solver::new(&flow, [nx as usize, ny as usize])?;
        let begin = solver.diagnostics();
        let (mut speed, mut tracer) = (0.0_f64, 0.0_f64);
        for frame in 1..=(10.0 * end) as usize {
            solver.advance_to(0.1 * frame as f64)?;
            if frame % 10 == 0 {
                let fields = solver.fields();
                let [u, v] = &fields.velocity;
                speed = u.iter().zip(v).map(|(u, v)| u.hypot(*v)).fold(speed, f64::max);
                tracer = fields.tracer.iter().map(|s| s.abs()).fold(tracer, f64::max);
            }
        }
        let d = solver.diagnostics();
        println!(
            "{flow}: {} steps, {:.0} s, |u| <= {speed:.3}, |s| <= {tracer:.3}, energy {:.5} of {:.5}, tails {:.1e} {:.1e}",
            solver.steps(),
            clock.elapsed().as_secs_f64(),
            d.energy,
            begin.energy,
            d.enstrophy_tail,
            d.tracer_tail
        );
        Ok(())
    })
}
