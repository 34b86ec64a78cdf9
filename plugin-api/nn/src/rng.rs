//! Reproducible randomness: every draw is a pure function of a seed, a purpose and an index.

use candle_core::{DType, Device, Result, Shape, Tensor};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// A stream of random numbers (ChaCha8, a counter-based generator).
///
/// Streams of different seeds, purposes or indices are independent. Nothing is shared between
/// them, so that work may be split and resumed anywhere: step 1000 of a run draws from
/// `Rng::new(seed, "noise", 1000)` whether or not the steps before ran in this process.
#[derive(Clone, Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// The stream that belongs to `seed`, `purpose` (say what is drawn: "noise", "permutation")
    /// and `index` (of the step, sample or file).
    pub fn new(seed: u64, purpose: &str, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&fnv1a(purpose.as_bytes()).to_le_bytes());
        key[16..24].copy_from_slice(&index.to_le_bytes());
        key[24..].copy_from_slice(b"physrep1");
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform on `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// One of `0..n`, each as likely; 0 if there is none.
    pub fn below(&mut self, n: usize) -> usize {
        // Rounding may take the product to n.
        ((self.uniform() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// Normal with mean 0 and variance 1.
    pub fn standard_normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// The numbers `0..n` in random order.
    pub fn permutation(&mut self, n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.shuffle(&mut self.0);
        order
    }

    /// Fills `out` with independent normal numbers, mean 0 and variance 1.
    pub fn fill_normal(&mut self, out: &mut [f32]) {
        for value in out {
            *value = StandardNormal.sample(&mut self.0);
        }
    }

    /// A tensor of independent normal numbers, mean 0 and variance 1. They are drawn on the host,
    /// so that every device gets the same ones.
    pub fn normal(&mut self, shape: impl Into<Shape>, dtype: DType, device: &Device) -> Result<Tensor> {
        let shape = shape.into();
        let mut values = vec![0f32; shape.elem_count()];
        self.fill_normal(&mut values);
        Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
    }
}

/// The 64-bit Fowler-Noll-Vo hash 1a: stable across versions and platforms, unlike std's hasher.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
