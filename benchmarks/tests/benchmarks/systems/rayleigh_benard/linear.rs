//! The Rayleigh-Benard solver near the conduction state: steady, and unstable as the linear theory says.

use std::f64::consts::{PI, TAU};

use physrep_benchmarks::systems::rayleigh_benard::{Fields, Solver};

/// The critical Rayleigh number and wavenumber of a layer between rigid plates (Reid and Harris, Phys. Fluids 1, 102, 1958).
const CRITICAL: [f64; 2] = [1707.762, 3.117];

/// The largest growth rate of a wave of wavenumber `k`, by shooting.
///
/// With `w = v'' - k^2 v` a wave obeys `nu (w'' - k^2 w) = growth w + k^2 b` and `kappa (b'' - k^2 b) = growth b - v`. The
/// growth rate is real and the fastest wave is symmetric: of the three solutions that satisfy the conditions at the wall
/// one combination has no slope at the mid-plane.
fn growth(rayleigh: f64, prandtl: f64, k: f64) -> f64 {
    let (nu, kappa) = ((prandtl / rayleigh).sqrt(), 1.0 / (rayleigh * prandtl).sqrt());
    let mismatch = |growth: f64| {
        let slope = |[v, dv, w, dw, b, db]: [f64; 6]| {
            let k2 = k * k;
            [dv, w + k2 * v, dw, k2 * w + (growth * w + k2 * b) / nu, db, k2 * b + (growth * b - v) / kappa]
        };
        let steps = 400;
        let h = 0.5 / f64::from(steps);
        let [a, b, c] = [2, 3, 5].map(|free| {
            let mut y = [0.0; 6];
            y[free] = 1.0;
            for _ in 0..steps {
                let moved = |by: f64, k: [f64; 6]| std::array::from_fn(|i| y[i] + by * k[i]);
                let k1 = slope(y);
                let k2 = slope(moved(0.5 * h, k1));
                let k3 = slope(moved(0.5 * h, k2));
                let k4 = slope(moved(h, k3));
                y = std::array::from_fn(|i| y[i] + h / 6.0 * (k1[i] + 2.0 * (k2[i] + k3[i]) + k4[i]));
            }
            [y[1], y[3], y[5]]
        });
        a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0])
    };
    let (mut high, spacing) = (1.0, 0.01);
    let above = mismatch(high);
    while mismatch(high - spacing) * above > 0.0 {
        high -= spacing;
        assert!(high > -10.0, "no growth rate found");
    }
    let mut low = high - spacing;
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if mismatch(middle) * above > 0.0 {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

fn size(fields: &Fields) -> f64 {
    fields.velocity[1].iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// The growth rate of one wave in a layer as long as the wave, from a small disturbance.
fn measured(rayleigh: f64, prandtl: f64, k: f64) -> f64 {
    let (length, grid) = (TAU / k, [8, 24]);
    let fields = Fields::sample(grid, length, |x, y| {
        let bump = 1e-8 * (PI * y).sin() * (k * x).cos();
        ([0.0; 2], 1.0 - y + bump)
    });
    let mut solver = Solver::from_fields(rayleigh, prandtl, length, grid, &fields).unwrap();
    // Until other waves have died away, and then half as long again, as far as the wave stays small.
    let kappa = 1.0 / (rayleigh * prandtl).sqrt();
    let start = (0.5 / (kappa * prandtl.min(1.0))).min(7.0 / growth(rayleigh, prandtl, k).abs());
    let mut at = |time: f64| {
        let steps = 200;
        let step = (time - solver.time()) / f64::from(steps);
        (0..steps).for_each(|_| solver.step(step).unwrap());
        size(&solver.fields())
    };
    let [early, late] = [at(start), at(1.5 * start)];
    assert!(late < 1e-2, "the wave {late} is no longer small");
    (late / early).ln() / (0.5 * start)
}

#[test]
fn the_reference_is_neutral_at_the_critical_point() {
    let [rayleigh, k] = CRITICAL;
    assert!(growth(rayleigh, 1.0, k).abs() < 1e-7);
    assert!(growth(rayleigh, 1.0, k - 0.1) < -1e-5 && growth(rayleigh, 1.0, k + 0.1) < -1e-5);
}

#[test]
fn conduction_is_steady() {
    let grid = [16, 24];
    let conduction = Fields::sample(grid, 4.0, |_, y| ([0.0; 2], 1.0 - y));
    let mut solver = Solver::from_fields(1e6, 1.0, 4.0, grid, &conduction).unwrap();
    solver.advance_to(10.0).unwrap();
    let fields = solver.fields();
    for (found, expected) in fields.buoyancy.iter().zip(&conduction.buoyancy) {
        assert!((found - expected).abs() < 1e-14);
    }
    let speed = fields.velocity.iter().flatten().fold(0.0f64, |a, b| a.max(b.abs()));
    assert!(speed < 1e-14, "the fluid moves at {speed:e}");
    let nusselt = solver.diagnostics().wall_nusselt;
    assert!(nusselt.iter().all(|n| (n - 1.0).abs() < 1e-12), "{nusselt:?}");
}

#[test]
fn waves_grow_and_decay_as_the_linear_theory_says() {
    for (rayleigh, prandtl, k) in [
        (1200.0, 1.0, 3.117),
        (1500.0, 10.0, 2.5),
        (2500.0, 1.0, 3.117),
        (5000.0, 0.1, PI),
        (5000.0, 7.0, 2.0 * PI),
        (2e4, 0.7, 0.5 * PI),
    ] {
        let (found, expected) = (measured(rayleigh, prandtl, k), growth(rayleigh, prandtl, k));
        let error = found / expected - 1.0;
        assert!(error.abs() < 1e-4, "Ra {rayleigh} Pr {prandtl} k {k}: growth {found}, theory {expected}");
    }
}

#[test]
fn the_critical_rayleigh_number_is_bracketed() {
    let [critical, k] = CRITICAL;
    for prandtl in [0.5, 5.0] {
        let [below, above] = [0.999, 1.001].map(|factor| measured(factor * critical, prandtl, k));
        assert!(below < 0.0 && above > 0.0, "Pr {prandtl}: growth {below} below, {above} above");
    }
}
