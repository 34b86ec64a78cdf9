//! The fits of a probe that were trained together.

use candle_core::{DType, Device, Result};
use physrep_nn::Params;

use super::{network::Network, training};
use crate::labelled::{LabelledEmbeddings, check_dim};

/// Fits of one probe, in the order of their seeds: their networks, and a record of each.
pub struct Fits<N, R> {
    pub(super) network: N,
    /// The width of a token.
    pub(super) dim: usize,
    pub(super) device: Device,
    pub(super) records: Vec<R>,
}

impl<N: Network, R> Fits<N, R> {
    /// The labels that each fit predicts for a split, `(N, P)` row-major.
    ///
    /// # Errors
    /// If the split's tokens have other dimensions than those of the fit, or if the device is out of memory.
    pub fn predict(&self, split: &LabelledEmbeddings) -> crate::Result<Vec<Vec<f32>>> {
        check_dim(self.dim, split)?;
        Ok(training::predict(&self.network, &self.network.inputs(split, &self.device)?)?)
    }

    /// What each fit selected on the validation split, and how it went.
    pub fn records(&self) -> &[R] {
        &self.records
    }
}

/// The parameters of each fit at their initial values, those of a fit by itself: `build` makes the network of one.
pub(super) fn initial(seeds: &[u64], build: impl Fn(&Params) -> Result<()>) -> Result<Vec<Params>> {
    let of_fit = |&seed: &u64| {
        let params = Params::new(DType::F32, &Device::Cpu, seed);
        build(&params).map(|()| params)
    };
    seeds.iter().map(of_fit).collect()
}
