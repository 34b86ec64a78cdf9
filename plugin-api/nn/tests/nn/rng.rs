//! Random tensors.

use candle_core::{DType, Device};
use physrep_nn::Rng;

use crate::support::values;

#[test]
fn normal_numbers_have_the_moments_of_their_distribution() {
    let shape = (200, 500);
    let x = Rng::new(3, "moments", 0).normal(shape, DType::F32, &Device::Cpu).unwrap();
    let x = values(&x);
    let moment = |k: i32| x.iter().map(|v| v.powi(k)).sum::<f64>() / x.len() as f64;
    assert!(moment(1).abs() < 0.01 && (moment(2) - 1.0).abs() < 0.02);
    assert!(moment(3).abs() < 0.05 && (moment(4) - 3.0).abs() < 0.1);
}

#[test]
fn tensors_and_slices_hold_the_same_stream() {
    let mut slice = [0f32; 6];
    Rng::new(3, "x", 0).fill_normal(&mut slice);
    let tensor = Rng::new(3, "x", 0).normal((2, 3), DType::F64, &Device::Cpu).unwrap();
    assert_eq!(tensor.dtype(), DType::F64);
    assert_eq!(values(&tensor), slice.map(f64::from));
}
