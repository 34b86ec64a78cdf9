//! GELU against the error function.

use candle_core::{DType, Device, Tensor};
use physrep_nn::gelu;

use crate::support::{check_gradients, normal, values};

fn exact(x: f64) -> f64 {
    0.5 * x * libm::erfc(-x / std::f64::consts::SQRT_2)
}

fn exact_gradient(x: f64) -> f64 {
    let pdf = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2) + x * pdf
}

/// From far in one tail to far in the other, through zero, where the formula changes.
fn points() -> Vec<f32> {
    (-30_000..=30_000).map(|i| i as f32 * 5e-4).collect()
}

#[test]
fn single_precision_is_round_off_away_from_the_exact_value() {
    let x = candle_core::Var::new(points(), &Device::Cpu).unwrap();
    let y = gelu(&x).unwrap();
    let store = y.sum_all().unwrap().backward().unwrap();
    let (y, dy) = (values(&y), values(store.get(&x).unwrap()));
    for ((x, y), dy) in points().into_iter().zip(y).zip(dy) {
        let x = f64::from(x);
        let error = (y - exact(x)).abs();
        assert!(error <= 3e-7 * x.abs().max(1e-3), "gelu({x}) = {y}, error {error:e}");
        let error = (dy - exact_gradient(x)).abs();
        assert!(error <= 5e-7, "gelu'({x}) = {dy}, error {error:e}");
    }
}

#[test]
fn double_precision_agrees_with_the_error_function() {
    let x = Tensor::new(points(), &Device::Cpu).unwrap();
    let x = x.to_dtype(DType::F64).unwrap();
    for (x, y) in values(&x).into_iter().zip(values(&gelu(&x).unwrap())) {
        assert!((y - exact(x)).abs() <= 1e-15 * x.abs(), "gelu({x}) = {y}");
    }
}

#[test]
fn extremes_and_nan() {
    let x = Tensor::new(&[f32::MAX, -f32::MAX, 200.0, -200.0, f32::NAN, 0.0], &Device::Cpu);
    let y: Vec<f32> = gelu(&x.unwrap()).unwrap().to_vec1().unwrap();
    assert_eq!((y[0], y[2], y[5]), (f32::MAX, 200.0, 0.0));
    assert!(y[1].abs() < 1e-30 && y[3].abs() < 1e-30, "{y:?}");
    assert!(y[4].is_nan());
}

#[test]
fn gradient_agrees_with_differences() {
    check_gradients(&[normal((3, 1, 17), 1)], |t| gelu(&t[0]));
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    for (rows, c) in crate::gpu::ROWS {
        let inputs = [normal((rows, c), 1)];
        crate::gpu::agrees(&format!("{rows} rows of {c}"), &inputs, 1, |t| gelu(&t[0]));
    }
}
