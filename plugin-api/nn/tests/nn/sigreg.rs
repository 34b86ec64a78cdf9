//! The statistic of SIGReg against its definition, and on distributions that it should tell apart.

use candle_core::{DType, Device, Tensor};
use physrep_nn::Rng;
use physrep_nn::sigreg::{directions, epps_pulley};

use crate::support::{check_gradients, normal, values};

/// The integral by the trapezoidal rule at 17 points, with real and imaginary parts written out.
fn naive(x: &Tensor, along: &Tensor) -> f64 {
    let ((n, c), (_, m)) = (x.dims2().unwrap(), along.dims2().unwrap());
    let (x, along) = (values(x), values(along));
    let statistic = |j: usize| {
        let projections: Vec<f64> = (0..n).map(|i| (0..c).map(|k| x[i * c + k] * along[k * m + j]).sum()).collect();
        let integrand = |t: f64| {
            let mean = |f: fn(f64) -> f64| projections.iter().map(|p| f(t * p)).sum::<f64>() / n as f64;
            let normal = (-0.5 * t * t).exp();
            ((mean(f64::cos) - normal).powi(2) + mean(f64::sin).powi(2)) * normal
        };
        let points: Vec<f64> = (0..17).map(|i| integrand(-4.0 + 0.5 * i as f64)).collect();
        points.windows(2).map(|pair| 0.25 * (pair[0] + pair[1])).sum::<f64>()
    };
    (0..m).map(statistic).sum::<f64>() / m as f64
}

fn along(dim: usize, count: usize) -> Tensor {
    directions(dim, count, &mut Rng::new(3, "directions", 0), DType::F64, &Device::Cpu).unwrap()
}

#[test]
fn agrees_with_the_definition() {
    for (rows, channels, count) in [(1, 1, 1), (7, 3, 5), (40, 6, 11)] {
        let x = (normal((rows, channels), 1) * 1.7).unwrap();
        let along = along(channels, count);
        let (got, expected) = (values(&epps_pulley(&x, &along).unwrap())[0], naive(&x, &along));
        assert!((got - expected).abs() < 1e-12, "{rows} x {channels}: {got} for {expected}");
    }
}

#[test]
fn gradients_are_difference_quotients() {
    let along = along(4, 6);
    check_gradients(&[normal((9, 4), 1)], |t| epps_pulley(&t[0], &along));
}

#[test]
fn directions_have_length_one_and_differ_from_step_to_step() {
    let one = along(5, 7);
    for length in values(&one.sqr().unwrap().sum(0).unwrap()) {
        assert!((length - 1.0).abs() < 1e-6, "{length}");
    }
    let other = directions(5, 7, &mut Rng::new(3, "directions", 1), DType::F64, &Device::Cpu).unwrap();
    assert!(values(&one) != values(&other));
}

/// Small for normal rows, and larger the less normal they are: collapsed, of another width, or of two values.
#[test]
fn it_tells_normal_rows_from_others() {
    let along = along(8, 64);
    let statistic = |x: &Tensor| values(&epps_pulley(x, &along).unwrap())[0];
    let gauss = normal((4000, 8), 1);
    let collapsed = gauss.zeros_like().unwrap();
    let wide = (&gauss * 3.0).unwrap();
    let one_factor = gauss.narrow(1, 0, 1).unwrap().broadcast_as((4000, 8)).unwrap().contiguous().unwrap();
    let at_best = statistic(&gauss);
    assert!(at_best < 1e-3, "{at_best}");
    for (what, x) in [("collapsed", collapsed), ("wide", wide), ("one factor", one_factor)] {
        assert!(statistic(&x) > 20.0 * at_best, "{what}: {} for {at_best}", statistic(&x));
    }
}
