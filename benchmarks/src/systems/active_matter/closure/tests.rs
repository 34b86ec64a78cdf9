//! The closure, and the complex form of the equations that rests on it, against integrals over the orientations.

use std::f64::consts::{PI, TAU};

use rustfft::num_complex::Complex64;

use super::Closure;

impl Closure {
    /// `<exp(4 i theta)>` of the distribution with `<exp(2 i theta)> = q`, `|q| <= 1`.
    pub(in crate::systems::active_matter) fn fourth_moment(&self, q: Complex64) -> Complex64 {
        let mut h = [0.0];
        self.evaluate(&[q.norm_sqr()], &mut h);
        q * q * h[0]
    }
}

/// Averages over Bingham's distribution `exp(lambda cos 2 (theta - direction))`: the trapezoidal rule converges faster
/// than any power on a circle.
struct Rods {
    lambda: f64,
    direction: f64,
}

impl Rods {
    fn mean(&self, f: impl Fn([f64; 2]) -> f64) -> f64 {
        let points = 4000;
        let (mut sum, mut norm) = (0.0, 0.0);
        for j in 0..points {
            let theta = TAU * f64::from(j) / f64::from(points);
            // The largest exponent is 0, so that nothing overflows.
            let weight = (self.lambda * ((2.0 * (theta - self.direction)).cos() - 1.0)).exp();
            sum += weight * f([theta.cos(), theta.sin()]);
            norm += weight;
        }
        sum / norm
    }

    /// `<pp>`.
    fn second(&self) -> [[f64; 2]; 2] {
        [0, 1].map(|i| [0, 1].map(|j| self.mean(|p| p[i] * p[j])))
    }

    /// `<pppp> : tensor`.
    fn contract(&self, tensor: [[f64; 2]; 2]) -> [[f64; 2]; 2] {
        let along = |p: [f64; 2]| (0..2).map(|k| (0..2).map(|l| p[k] * p[l] * tensor[k][l]).sum::<f64>()).sum::<f64>();
        [0, 1].map(|i| [0, 1].map(|j| self.mean(|p| p[i] * p[j] * along(p))))
    }
}

fn complex(tensor: [[f64; 2]; 2]) -> Complex64 {
    Complex64::new(tensor[0][0] - tensor[1][1], tensor[0][1] + tensor[1][0])
}

/// All kinds of rods, from almost disordered to almost parallel.
fn rods() -> impl Iterator<Item = Rods> {
    (0..40).map(|i| {
        let i = f64::from(i);
        Rods { lambda: 1e-3 * 10f64.powf(6.0 * i / 39.0), direction: (0.7 * i) % PI }
    })
}

#[test]
fn the_fourth_moment_is_that_of_the_distribution_with_the_given_second() {
    let closure = Closure::new();
    for rods in rods() {
        let q = complex(rods.second());
        let angle = |p: [f64; 2]| Complex64::new(p[0], p[1]).powi(4);
        let expected = Complex64::new(rods.mean(|p| angle(p).re), rods.mean(|p| angle(p).im));
        let error = (closure.fourth_moment(q) - expected).norm();
        assert!(error < 1e-10, "lambda {}: off by {error:e}", rods.lambda);
    }
}

/// `S:T` has the trace `t / 2 + Re(tau* q)` and the complex part `q t / 2 + (tau + tau* q4) / 2`, for a symmetric `T`
/// with the trace `t` and the complex part `T_xx - T_yy + 2 i T_xy = 2 tau`.
#[test]
fn contractions_follow_from_the_complex_moments() {
    let closure = Closure::new();
    for (i, rods) in rods().enumerate() {
        let number = |k: usize| ((7 * i + 3 * k) as f64).sin();
        let t = [[number(0), number(1)], [number(1), number(2)]];
        let contracted = rods.contract(t);
        let (trace, tau) = (t[0][0] + t[1][1], complex(t) / 2.0);
        let q = complex(rods.second());
        let expected = q * trace / 2.0 + (tau + tau.conj() * closure.fourth_moment(q)) / 2.0;
        let error = (complex(contracted) - expected).norm();
        assert!(error < 1e-10, "lambda {}: the traceless part is off by {error:e}", rods.lambda);
        let expected = trace / 2.0 + (tau.conj() * q).re;
        let error = (contracted[0][0] + contracted[1][1] - expected).abs();
        assert!(error < 1e-12, "lambda {}: the trace is off by {error:e}", rods.lambda);
    }
}

/// `D.D - S:D` and `S:E`, whose complex parts are `p / 4` and `(e + h q^2 e*) / 2`.
#[test]
fn alignment_and_strain_enter_as_documented() {
    let closure = Closure::new();
    for rods in rods() {
        let d = rods.second();
        let q = complex(d);
        let product = [0, 1].map(|i| [0, 1].map(|j| (0..2).map(|k| d[i][k] * d[k][j]).sum::<f64>()));
        let found = complex(product) - complex(rods.contract(d));
        let square = closure.fourth_moment(q);
        let expected = q * (1.0 - square.norm()) / 4.0;
        assert!((found - expected).norm() < 1e-10, "lambda {}: {found}, not {expected}", rods.lambda);

        let e = Complex64::new(0.3, -0.7);
        let found = complex(rods.contract([[e.re, e.im], [e.im, -e.re]]));
        let expected = (e + square * e.conj()) / 2.0;
        assert!((found - expected).norm() < 1e-10, "lambda {}: {found}, not {expected}", rods.lambda);
    }
}

#[test]
fn slices_of_any_length_are_evaluated_alike() {
    let closure = Closure::new();
    let squares: Vec<f64> = (0..21).map(|i| f64::from(i) / 20.0).collect();
    let mut all = [0.0; 21];
    closure.evaluate(&squares, &mut all);
    for (i, square) in squares.iter().enumerate() {
        let mut one = [0.0];
        closure.evaluate(&[*square], &mut one);
        assert_eq!(one[0], all[i]);
    }
    assert!((all[0] - 0.5).abs() < 1e-10 && (all[20] - 1.0).abs() < 1e-10, "{} {}", all[0], all[20]);
    assert!(all.is_sorted());
}
