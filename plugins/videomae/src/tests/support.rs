//! Shared by the tests: small models, random clips, comparisons.

use physrep_plugin_api::{
    candle_core::{DType, Device, Tensor},
    nn::{Params, Rng},
};

use crate::{
    grid::Grid,
    model::{Model, Parts},
    transformer::Shape,
};

/// All elements in order, as f64.
pub fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
    flat.to_vec1().unwrap()
}

/// Compares to `tolerance` times the largest value of `expected`.
#[track_caller]
pub fn assert_close(got: &Tensor, expected: &Tensor, tolerance: f64, what: &str) {
    assert_eq!(got.dims(), expected.dims(), "{what}");
    let (got, expected) = (values(got), values(expected));
    let bound = tolerance * expected.iter().fold(0f64, |m, v| m.max(v.abs()));
    for (got, expected) in got.into_iter().zip(expected) {
        let close = (got - expected).abs() <= bound;
        assert!(close, "{what}: {got} for {expected}, allowed {bound:e}");
    }
}

pub fn params(dtype: DType, seed: u64) -> Params {
    Params::new(dtype, &Device::Cpu, seed)
}

/// Standard normal values.
pub fn normal(shape: &[usize], dtype: DType, seed: u64) -> Tensor {
    Rng::new(seed, "test", 0).normal(shape, dtype, &Device::Cpu).unwrap()
}

/// A model for two channels of 8 frames and 16x16 points: 4 x 4 x 4 tubelets of 2 x 4 x 4 pixels, 12 of 16 patches
/// hidden.
pub fn small() -> Parts {
    Parts {
        channels: 2,
        grid: Grid::new(8, [16, 16], 2, Some(4)).unwrap(),
        encoder: Shape { dim: 32, depth: 2, heads: 2 },
        decoder: Shape { dim: 32, depth: 1, heads: 2 },
        mask_ratio: 0.75,
        norm_target: true,
    }
}

/// The loss of `clips` under the mask of `step`.
pub fn loss(model: &Model, clips: &Tensor, step: u64) -> Tensor {
    let mask = model.mask(clips.dim(0).unwrap(), &mut Rng::new(3, "mask", step), clips).unwrap();
    model.loss(clips, &mask).unwrap()
}
