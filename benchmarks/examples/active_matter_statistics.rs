//! Statistics of active-matter trajectories beside those of The Well's files.
//!
//! ```text
//! cargo run --release -p physrep-benchmarks --example active_matter_statistics -- GRID D_T D_R ORDER [ZETA ...]
//! ```
//!
//! solves the given zeta (1, 5, 9, 13, 17) and alpha = -1, -3, -5 on `GRID^2` points with these diffusivities and initial
//! order, 81 frames each, and prints what The Well's 225 trajectories show and what these do. `192 0.05 0.05 0.01` takes
//! about eight minutes, `128 0.05 0.05 0.01 1 5` one.

use physrep_benchmarks::systems::active_matter::{ActiveMatter, Fields, Solver};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;

const ZETAS: [f64; 5] = [1.0, 5.0, 9.0, 13.0, 17.0];
const ALPHAS: [f64; 3] = [-1.0, -3.0, -5.0];
const FRAMES: usize = 81;

/// Sums of squares over points and frames, and of means over frames.
#[derive(Clone, Copy, Default)]
struct Sums {
    order: [f64; 2],
    velocity: [f64; 2],
    strain: [f64; 2],
    order_delta: f64,
    velocity_delta: f64,
    strain_delta: f64,
    speed: f64,
    strain_norm: f64,
    correlation: f64,
    peak: f64,
    tail: f64,
}

fn mean_square(field: &[f64]) -> f64 {
    field.iter().map(|f| f * f).sum::<f64>() / field.len() as f64
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / a.len() as f64
}

fn mean_norm(fields: &[Vec<f64>; 2]) -> f64 {
    fields[0].iter().zip(&fields[1]).map(|(a, b)| a.hypot(*b)).sum::<f64>() / fields[0].len() as f64
}

/// The distance, in 256ths of the domain, at which the correlation of `q / |q|` along the axes falls to 1/e.
fn correlation_length(fields: &Fields, n: usize) -> f64 {
    let mut planner = FftPlanner::new();
    let (forward, inverse) = (planner.plan_fft_forward(n), planner.plan_fft_inverse(n));
    let mut total = vec![0.0; n];
    for along_x in [false, true] {
        for line in 0..n {
            let at = |j: usize| if along_x { j * n + line } else { line * n + j };
            let unit = |i: usize| {
                let q = Complex64::new(fields.order[0][i], fields.order[1][i]);
                q / q.norm()
            };
            let mut values: Vec<Complex64> = (0..n).map(|j| unit(at(j))).collect();
            forward.process(&mut values);
            values.iter_mut().for_each(|v| *v = v.norm_sqr().into());
            inverse.process(&mut values);
            total.iter_mut().zip(&values).for_each(|(t, v)| *t += v.re);
        }
    }
    let level = total[0] / std::f64::consts::E;
    let Some(beyond) = total.iter().position(|v| *v < level) else { return f64::NAN };
    let (before, after) = (total[beyond - 1], total[beyond]);
    (beyond as f64 - (level - after) / (before - after)) * 256.0 / n as f64
}

fn run(matter: &ActiveMatter, seed: u64, n: usize, order: f64) -> Result<Sums, String> {
    let text = |error: physrep_benchmarks::systems::SolverError| error.to_string();
    let mut waves = Solver::new(matter, seed, [n, n]).map_err(text)?;
    let scale = order / waves.diagnostics().order;
    let initial = waves.fields().order.map(|field| field.iter().map(|q| scale * q).collect());
    let mut solver = Solver::from_order(matter, [n, n], &initial).map_err(text)?;
    let mut sums = Sums::default();
    let mut last: Option<Fields> = None;
    for frame in 0..FRAMES {
        solver.advance_to(0.25 * frame as f64).map_err(text)?;
        let fields = solver.fields();
        for part in 0..2 {
            // Components of D are half of q's parts, about their means.
            sums.order[part] += 0.25 * mean_square(&fields.order[part]) / FRAMES as f64;
            sums.velocity[part] += mean_square(&fields.velocity[part]) / FRAMES as f64;
            sums.strain[part] += mean_square(&fields.strain[part]) / FRAMES as f64;
        }
        sums.speed += mean_norm(&fields.velocity) / FRAMES as f64;
        sums.strain_norm += f64::sqrt(2.0) * mean_norm(&fields.strain) / FRAMES as f64;
        sums.correlation += correlation_length(&fields, n) / FRAMES as f64;
        if let Some(last) = &last {
            let steps = (FRAMES - 1) as f64;
            sums.order_delta += 0.25 * difference(&fields.order[0], &last.order[0]) / steps;
            sums.velocity_delta += difference(&fields.velocity[0], &last.velocity[0]) / steps;
            sums.strain_delta += difference(&fields.strain[0], &last.strain[0]) / steps;
        }
        let diagnostics = solver.diagnostics();
        sums.peak = sums.peak.max(diagnostics.peak_order);
        sums.tail = sums.tail.max(diagnostics.order_tail);
        last = Some(fields);
    }
    Ok(sums)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = std::env::args().skip(1).map(|a| a.parse()).collect::<Result<Vec<f64>, _>>()?;
    let [n, d_t, d_r, order, ref zetas @ ..] = *arguments.as_slice() else {
        return Err("expected GRID D_T D_R ORDER [ZETA ...]".into());
    };
    let zetas = if zetas.is_empty() { &ZETAS } else { zetas };
    println!("zeta alpha | mean |u|  mean |E|  correlation  order | peak |q|  tail");
    let mut all = Vec::new();
    for &zeta in zetas {
        for alpha in ALPHAS {
            let matter = ActiveMatter {
                translational_diffusivity: d_t,
                rotational_diffusivity: d_r,
                ..ActiveMatter::new(zeta, alpha)
            };
            match run(&matter, 1, n as usize, order) {
                Ok(s) => {
                    let rms = 2.0 * (s.order[0] + s.order[1]).sqrt();
                    println!(
                        "{zeta:4} {alpha:5} | {:8.3}  {:8.3}  {:11.2}  {rms:5.3} | {:8.4}  {:.1e}",
                        s.speed, s.strain_norm, s.correlation, s.peak, s.tail
                    );
                    all.push((zeta, alpha, s));
                }
                Err(error) => println!("{zeta:4} {alpha:5} | {error}"),
            }
        }
    }
    let mean = |which: &dyn Fn(f64, f64) -> bool, of: &dyn Fn(&Sums) -> f64| {
        let chosen: Vec<f64> = all.iter().filter(|(z, a, _)| which(*z, *a)).map(|(_, _, s)| of(s)).collect();
        chosen.iter().sum::<f64>() / chosen.len() as f64
    };
    let every = |_: f64, _: f64| true;
    println!("\nquantity                          The Well    here");
    let line = |name: &str, well: f64, here: f64| println!("{name:32} {well:9.3} {here:7.3}");
    for (alpha, well) in [(-1.0, 0.248), (-3.0, 0.608), (-5.0, 1.002)] {
        line(&format!("mean |u|, alpha = {alpha}"), well, mean(&|_, a| a == alpha, &|s| s.speed));
    }
    for (zeta, well) in [(1.0, 0.515), (9.0, 0.724), (17.0, 0.753)] {
        line(&format!("mean |E|, zeta = {zeta}"), well, mean(&|z, _| z == zeta, &|s| s.strain_norm));
    }
    for (zeta, well) in [(1.0, 17.75), (9.0, 11.65), (17.0, 9.80)] {
        line(&format!("correlation length, zeta = {zeta}"), well, mean(&|z, _| z == zeta, &|s| s.correlation));
    }
    line("std of D_xx", 0.32013, mean(&every, &|s| s.order[0]).sqrt());
    line("std of D_xy", 0.33105, mean(&every, &|s| s.order[1]).sqrt());
    line("std of u_x", 0.57718, mean(&every, &|s| s.velocity[0]).sqrt());
    line("std of u_y", 0.56706, mean(&every, &|s| s.velocity[1]).sqrt());
    line("std of E_xx", 0.40730, mean(&every, &|s| s.strain[0]).sqrt());
    line("std of E_xy", 0.43216, mean(&every, &|s| s.strain[1]).sqrt());
    line("std of D_xx between frames", 0.14943, mean(&every, &|s| s.order_delta).sqrt());
    line("std of u_x between frames", 0.19117, mean(&every, &|s| s.velocity_delta).sqrt());
    line("std of E_xx between frames", 0.24759, mean(&every, &|s| s.strain_delta).sqrt());
    Ok(())
}
