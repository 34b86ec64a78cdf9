//! The solver against exact solutions: linear waves, uniform order, and the balance of forces.

use std::f64::consts::TAU;

use rustfft::num_complex::Complex64;

use super::closure::Closure;
use super::stokes::TOLERANCE;
use super::{ActiveMatter, Fields, Solver};
use crate::systems::Fourier;

/// The order `q0 + amplitude cos(k . x)` at the points of `grid`, with `k = 2 pi (m, n) / L`.
fn wave(grid: [usize; 2], [m, n]: [f64; 2], q0: Complex64, amplitude: Complex64) -> [Vec<f64>; 2] {
    let [nx, ny] = grid;
    let value = |i: usize| {
        let phase = TAU * (m * (i / ny) as f64 / nx as f64 + n * (i % ny) as f64 / ny as f64);
        q0 + amplitude * phase.cos()
    };
    let q: Vec<Complex64> = (0..nx * ny).map(value).collect();
    [q.iter().map(|q| q.re).collect(), q.iter().map(|q| q.im).collect()]
}

/// A wave on the isotropic state, whose director lies along or across `k` (`splay`) or at 45 degrees to it (`bend`,
/// which shears the fluid). With `phi` the direction of `k` these are the parts of `q exp(-2 i phi)`: only the
/// imaginary one makes flow.
///
/// ```text
/// splay:  zeta - 4 d_R - d_T k^2
/// bend:   the same - (alpha - beta zeta / 2) / (4 + beta / 2)
/// ```
#[test]
fn waves_on_the_isotropic_state_grow_as_the_linear_theory_says() {
    let grid = [32, 24];
    let published = [(1.0, -1.0), (9.0, -3.0), (17.0, -5.0), (0.05, -0.2), (2.0, 4.0)];
    let published = published.map(|(zeta, alpha)| ActiveMatter::new(zeta, alpha));
    let small = ActiveMatter { length: 5.0, ..published[1] };
    let diffusive = ActiveMatter { translational_diffusivity: 0.2, rotational_diffusivity: 0.1, ..published[1] };
    for matter in published.into_iter().chain([small, diffusive]) {
        let ActiveMatter { zeta, alpha, .. } = matter;
        for mode in [[1.0, 0.0], [0.0, 1.0], [2.0, 1.0], [-3.0, 2.0], [1.0, 4.0]] {
            let [kx, ky] = mode.map(|m| TAU * m / matter.length);
            let splay =
                zeta - 4.0 * matter.rotational_diffusivity - matter.translational_diffusivity * (kx * kx + ky * ky);
            let bend = splay - (alpha - matter.beta * zeta / 2.0) / (4.0 + matter.beta / 2.0);
            let turn = Complex64::new(kx, ky).powi(2) / (kx * kx + ky * ky);
            for (name, direction, expected) in [("splay", turn, splay), ("bend", turn * Complex64::I, bend)] {
                let start = 1e-8;
                let order = wave(grid, mode, Complex64::ZERO, direction * start);
                let mut solver = Solver::from_order(&matter, grid, &order).unwrap();
                let time = 2.0 / expected.abs();
                // Far shorter steps than stability asks for: the theory is exact.
                let steps = 60;
                for _ in 0..steps {
                    solver.step(time / f64::from(steps)).unwrap();
                }
                let [re, im] = solver.fields().order;
                let peak = Complex64::new(re[0], im[0]) / direction;
                let growth = (peak.re / start).ln() / time;
                let error = growth / expected - 1.0;
                assert!(error.abs() < 1e-5, "{name} of {mode:?}, {matter}: growth {growth}, theory {expected}");
                assert!(peak.im.abs() < 1e-5 * peak.re, "{name} of {mode:?}, {matter}: turned, {peak}");
            }
        }
    }
}

#[test]
fn without_flow_the_order_is_that_of_the_steady_distribution() {
    // zeta, d_R, order: lambda = zeta order / (2 d_R) with order = I1(lambda) / I0(lambda).
    let table = [
        (1.0, 0.05, 0.9455),
        (3.0, 0.05, 0.9829),
        (9.0, 0.05, 0.9944),
        (17.0, 0.05, 0.9970),
        (1.0, 0.2, 0.5897),
        (3.0, 0.2, 0.9248),
        (17.0, 0.2, 0.9880),
    ];
    for (zeta, rotational_diffusivity, rounded) in table {
        let matter = ActiveMatter { rotational_diffusivity, ..ActiveMatter::new(zeta, -2.0) };
        let grid = [16, 16];
        // Uniform order exerts no force, so that there is no flow, however active the rods are.
        let start = Complex64::from_polar(0.3, 1.0);
        let order = wave(grid, [0.0, 0.0], start, Complex64::ZERO);
        let mut solver = Solver::from_order(&matter, grid, &order).unwrap();
        solver.advance_to(60.0 / zeta.min(1.0)).unwrap();
        let Fields { order: [re, im], velocity, .. } = solver.fields();
        let q = Complex64::new(re[5], im[5]);
        let expected = steady_order(zeta / (2.0 * rotational_diffusivity));
        assert!((expected - rounded).abs() < 1e-4, "the reference gives {expected}, not {rounded}");
        assert!((q.norm() - expected).abs() < 1e-9, "{matter}: order {}, theory {expected}", q.norm());
        assert!((q.arg() - 1.0).abs() < 1e-12, "the director turned from 1 to {}", q.arg());
        assert!(velocity.iter().flatten().all(|u| u.abs() < 1e-14));
    }
    // Below zeta = 4 d_R rods stay disordered.
    let matter = ActiveMatter::new(0.15, 0.0);
    let order = wave([16, 16], [0.0, 0.0], 0.3.into(), Complex64::ZERO);
    let mut solver = Solver::from_order(&matter, [16, 16], &order).unwrap();
    solver.advance_to(400.0).unwrap();
    assert!(solver.diagnostics().order < 1e-7, "{:?}", solver.diagnostics());
}

/// The root of `<cos 2 theta> = order` for the density `exp(strength order cos 2 theta)`, by bisection and quadrature.
fn steady_order(strength: f64) -> f64 {
    let excess = |order: f64| {
        let (mut sum, mut norm) = (0.0, 0.0);
        for j in 0..2000 {
            let cosine = (TAU * f64::from(j) / 2000.0).cos();
            let weight = (strength * order * (cosine - 1.0)).exp();
            sum += weight * cosine;
            norm += weight;
        }
        sum / norm - order
    };
    let (mut low, mut high) = (1e-3, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if excess(middle) > 0.0 { low = middle } else { high = middle }
    }
    low
}

/// `-lap u + grad P = div Sigma` with the whole stress, computed from tensors on the grid.
#[test]
fn forces_balance_and_the_flow_is_free_of_divergence() {
    let grid = [48, 48];
    let matter = ActiveMatter::new(1.0, -4.0);
    let mut solver = Solver::new(&matter, 3, grid).unwrap();
    solver.advance_to(4.0).unwrap();
    let Fields { order: [a, b], velocity, strain: [e_xx, e_xy] } = solver.fields();
    let closure = Closure::new();
    let mut stress = [vec![0.0; a.len()], vec![0.0; a.len()], vec![0.0; a.len()]];
    for i in 0..a.len() {
        // Moments of cosines and sines of the angle, from those of its multiples.
        let (q, q4) = (Complex64::new(a[i], b[i]), closure.fourth_moment(Complex64::new(a[i], b[i])));
        let d = [[0.5 + 0.5 * q.re, 0.5 * q.im], [0.5 * q.im, 0.5 - 0.5 * q.re]];
        let xxxx = 0.375 + 0.5 * q.re + 0.125 * q4.re;
        let xxyy = 0.125 - 0.125 * q4.re;
        let yyyy = 0.375 - 0.5 * q.re + 0.125 * q4.re;
        let xxxy = 0.25 * q.im + 0.125 * q4.im;
        let xyyy = 0.25 * q.im - 0.125 * q4.im;
        let contract = |xx: f64, xy: f64, yy: f64| {
            [
                xxxx * xx + 2.0 * xxxy * xy + xxyy * yy,
                xxxy * xx + 2.0 * xxyy * xy + xyyy * yy,
                xxyy * xx + 2.0 * xyyy * xy + yyyy * yy,
            ]
        };
        let strained = contract(e_xx[i], e_xy[i], -e_xx[i]);
        let aligned = contract(d[0][0], d[0][1], d[1][1]);
        for (part, (j, k)) in [(0, 0), (0, 1), (1, 1)].into_iter().enumerate() {
            let product = d[j][0] * d[0][k] + d[j][1] * d[1][k];
            stress[part][i] = matter.alpha * d[j][k] + matter.beta * strained[part]
                - 2.0 * matter.zeta * matter.beta * (product - aligned[part]);
        }
    }

    let mut fourier = Fourier::dealiased(grid);
    let mut spectrum = |field: &[f64]| {
        let mut spectrum = fourier.zeros();
        fourier.forward(field, &mut spectrum);
        spectrum
    };
    let [xx, xy, yy] = stress.each_ref().map(|field| spectrum(field));
    let [u, v] = velocity.each_ref().map(|field| spectrum(field));
    let [e_xx, e_xy] = [spectrum(&e_xx), spectrum(&e_xy)];
    let [kx, ky] = fourier.wavenumbers([matter.length; 2]);
    let (mut residual, mut force, mut divergence, mut shear, mut strain) = (0.0, 0.0, 0.0f64, 0.0f64, 0.0f64);
    for i in 1..u.len() {
        let (kx, ky) = (kx[i % fourier.width()], ky[i / fourier.width()]);
        let square = kx * kx + ky * ky;
        let f = [(xx[i] * kx + xy[i] * ky) * Complex64::I, (xy[i] * kx + yy[i] * ky) * Complex64::I];
        // The pressure takes the part of the force along k.
        let along = (f[0] * kx + f[1] * ky) / square;
        residual += (u[i] * square - (f[0] - along * kx)).norm_sqr() + (v[i] * square - (f[1] - along * ky)).norm_sqr();
        force += u[i].norm_sqr() * square * square + v[i].norm_sqr() * square * square;
        divergence = divergence.max((u[i] * kx + v[i] * ky).norm());
        shear = shear.max((u[i] * ky).norm());
        let gradient = [u[i] * kx * Complex64::I, (u[i] * ky + v[i] * kx) * Complex64::I * 0.5];
        strain = strain.max((gradient[0] - e_xx[i]).norm().max((gradient[1] - e_xy[i]).norm()));
    }
    let imbalance = (residual / force).sqrt();
    assert!(shear > 1e-2, "the test must see a flow, not {shear:e}");
    assert!(imbalance < 10.0 * TOLERANCE, "forces are out of balance by {imbalance:e}");
    assert!(imbalance > 1e-12, "an iteration that ends early leaves something: {imbalance:e}");
    assert!(divergence < 1e-14 * shear, "divergence {divergence:e}, shear {shear:e}");
    assert!(strain < 1e-14 * shear, "E differs from grad u by {strain:e}");
    assert!(u[0].norm() + v[0].norm() < 1e-15, "mean flow");
}
