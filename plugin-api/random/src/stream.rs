//! Streams addressed by a seed, a purpose and an index.

use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// A stream of random values. Streams of different seeds, purposes or indices are independent.
#[derive(Clone, Debug)]
pub struct Stream(pub(crate) ChaCha8Rng);

impl Stream {
    /// The stream of `seed`, `purpose` (what is drawn: "noise", "permutation") and `index` (of a step, sample or file).
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

    /// Uniform on `0..n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        // Rounding may take the product to n.
        ((self.uniform() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// Normal with mean 0 and variance 1.
    pub fn standard_normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// A random permutation of `0..n`.
    pub fn permutation(&mut self, n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.shuffle(&mut self.0);
        order
    }

    /// Fills `values` with independent normal values of mean 0 and variance 1.
    pub fn fill_normal(&mut self, values: &mut [f32]) {
        for value in values {
            *value = StandardNormal.sample(&mut self.0);
        }
    }
}

/// The 64-bit Fowler-Noll-Vo hash 1a: stable across versions and platforms, unlike std's hasher.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
