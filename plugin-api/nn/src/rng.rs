//! Random tensors.

use std::ops::{Deref, DerefMut};

use candle_core::{DType, Device, Result, Shape, Tensor};
use physrep_random::Stream;

/// A [`Stream`] of random values that also draws tensors.
#[derive(Clone, Debug)]
pub struct Rng(Stream);

impl Rng {
    /// The stream of `seed`, `purpose` (what is drawn: "noise", "permutation") and `index` (of a step, sample or file).
    pub fn new(seed: u64, purpose: &str, index: u64) -> Self {
        Self(Stream::new(seed, purpose, index))
    }

    /// A tensor of independent normal values, mean 0 and variance 1. They are drawn on the CPU, so that every device gets
    /// the same ones.
    pub fn normal(&mut self, shape: impl Into<Shape>, dtype: DType, device: &Device) -> Result<Tensor> {
        let shape = shape.into();
        let mut values = vec![0f32; shape.elem_count()];
        self.fill_normal(&mut values);
        Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
    }
}

impl Deref for Rng {
    type Target = Stream;

    fn deref(&self) -> &Stream {
        &self.0
    }
}

impl DerefMut for Rng {
    fn deref_mut(&mut self) -> &mut Stream {
        &mut self.0
    }
}
