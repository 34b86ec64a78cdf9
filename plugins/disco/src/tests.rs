//! DISCO: the integrator, the operator network, and the method as a whole.

mod integrator;
mod method;
mod operator;

use physrep_plugin_api::{
    candle_core::{DType, Device, Shape, Tensor},
    nn::Rng,
};

/// Standard normal values.
fn normal(shape: impl Into<Shape>, seed: u64, dtype: DType) -> Tensor {
    Rng::new(seed, "test", 0).normal(shape, dtype, &Device::Cpu).unwrap()
}

/// All elements in order.
fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// The largest difference.
fn distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    values(a).iter().zip(values(b)).fold(0.0, |worst, (a, b)| f64::max(worst, (a - b).abs()))
}
