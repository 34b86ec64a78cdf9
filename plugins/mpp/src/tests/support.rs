//! Shared by the tests: setups of plain systems, random clips, comparisons.

use std::path::PathBuf;

use physrep_plugin_api::{
    BoundaryCondition, Channel, Geometry, Setup,
    candle_core::{DType, Device, Shape, Tensor},
    nn::{Params, Rng},
};

use crate::{config::Config, model::Model};

/// A system with these channels, size and boundary conditions along H and W.
pub fn system(channels: &[&str], size: [u32; 2], boundaries: [BoundaryCondition; 2]) -> Geometry {
    let channel = |name: &&str| Channel { field: name.to_string(), name: name.to_string(), rank: 0, component: [0, 0] };
    Geometry {
        channels: channels.iter().map(channel).collect(),
        coordinates: size.map(|n| (0..n).map(f64::from).collect()),
        boundaries,
        time_step: 0.1,
    }
}

/// A run on these systems.
pub fn setup(systems: Vec<Geometry>, context_frames: usize) -> Setup {
    Setup {
        systems,
        context_frames,
        future_frames: 1,
        batch_size: 2,
        pretrain_steps: 1,
        device: Device::Cpu,
        seed: 3,
        scratch_dir: PathBuf::new(),
    }
}

/// A small network whose blocks differ from the identity.
pub fn small() -> Config {
    Config {
        dim: Some(16),
        heads: Some(2),
        depth: Some(2),
        patch: Some(8),
        layer_scale: 0.5,
        drop_path: 0.0,
        ..Config::default()
    }
}

/// The model of a configuration, and its parameters, in f64.
pub fn model(config: &Config, setup: &Setup) -> (Model, Params) {
    let params = Params::new(DType::F64, &Device::Cpu, setup.seed);
    (Model::new(config, setup, &params).unwrap(), params)
}

/// Standard normal values in f64.
pub fn normal(shape: impl Into<Shape>, seed: u64) -> Tensor {
    Rng::new(seed, "test", 0).normal(shape, DType::F64, &Device::Cpu).unwrap()
}

/// All elements in order.
pub fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Largest difference, relative to the largest value of `expected`.
pub fn difference(got: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(got.dims(), expected.dims());
    let (got, expected) = (values(got), values(expected));
    let scale = expected.iter().fold(0f64, |m, v| m.max(v.abs()));
    got.iter().zip(&expected).map(|(g, e)| (g - e).abs() / scale).fold(0.0, f64::max)
}
