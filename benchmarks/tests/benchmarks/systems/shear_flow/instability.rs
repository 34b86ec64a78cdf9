//! The growth of waves on a tanh layer against the inviscid theory of Michalke (J. Fluid Mech. 19, 543, 1964).

use physrep_benchmarks::systems::shear_flow::{Fields, Solver};
use rustfft::num_complex::Complex64;

/// Growth rate of a wave of wavenumber `k` on `U = tanh y`, from Rayleigh's equation
/// `phi'' = (k^2 + U'' / (U - c)) phi`.
///
/// By symmetry `c = i growth / k`, and the solution that decays below joins its mirror image above when `phi' / phi` is
/// imaginary at `y = 0`. That quotient obeys a Riccati equation, integrated upwards from its limit `k`.
fn rayleigh_growth(k: f64) -> f64 {
    let mismatch = |c: f64| {
        let slope = |y: f64, q: Complex64| {
            let u = y.tanh();
            let curvature = -2.0 * u * (1.0 - u * u);
            k * k + curvature / Complex64::new(u, -c) - q * q
        };
        let (steps, bottom) = (4000, -12.0);
        let h = -bottom / f64::from(steps);
        let mut q = Complex64::from(k);
        for i in 0..steps {
            let y = bottom + f64::from(i) * h;
            let k1 = slope(y, q);
            let k2 = slope(y + 0.5 * h, q + k1 * (0.5 * h));
            let k3 = slope(y + 0.5 * h, q + k2 * (0.5 * h));
            let k4 = slope(y + h, q + k3 * h);
            q += (k1 + (k2 + k3) * 2.0 + k4) * (h / 6.0);
        }
        q.re
    };
    let (mut low, mut high) = (0.02, 1.0);
    let at_low = mismatch(low);
    assert!(at_low * mismatch(high) < 0.0, "no root between {low} and {high}");
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if mismatch(middle) * at_low > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    k * low
}

#[test]
fn the_reference_has_michalkes_maximum() {
    let [below, peak, above] = [0.40, 0.4446, 0.49].map(rayleigh_growth);
    assert!((peak - 0.1897).abs() < 5e-5, "growth {peak} at k = 0.4446");
    assert!(below < peak && above < peak);
}

#[test]
fn waves_on_a_shear_layer_grow_as_rayleighs_equation_says() {
    // The shorter the wave, the less the two layers, a distance 1 apart, feel each other: by exp(-wavenumber).
    let (speed, wavenumber) = (0.5, 2.0 * std::f64::consts::TAU);
    for k in [0.25, 0.4446, 0.7] {
        let thickness = k / wavenumber;
        let expected = rayleigh_growth(k) * speed / thickness;
        let grid = [16, 384];
        let layers = Fields::sample(grid, |x, y| {
            let [below, above] = [(y + 0.5) / thickness, (y - 0.5) / thickness];
            let shear = speed * (1.0 - below.tanh() + above.tanh());
            let bump = (-below * below).exp() + (-above * above).exp();
            ([shear, 1e-9 * (wavenumber * x).sin() * bump], 0.0)
        });
        // So little viscosity that the layers do not thicken while the wave grows.
        let mut solver = Solver::from_fields(1e9, 1.0, grid, &layers).unwrap();
        let mut wave = |time: f64| {
            solver.advance_to(time).unwrap();
            let v = &solver.fields().velocity[1];
            (v.iter().map(|v| v * v).sum::<f64>() / v.len() as f64).sqrt()
        };
        // The first e-foldings go to the transients of the initial wave.
        let times = [6.0 / expected, 10.0 / expected];
        let [early, late] = times.map(&mut wave);
        assert!(late < 1e-3, "the wave {late} is no longer linear");
        let growth = (late / early).ln() / (times[1] - times[0]);
        let error = growth / expected - 1.0;
        assert!(error.abs() < 1e-3, "k = {k}: growth {growth}, theory {expected}");
    }
}
