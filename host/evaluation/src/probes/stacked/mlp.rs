//! Stacked fits of the perceptron.

use candle_core::{Device, Result, Tensor};
use physrep_nn::gelu;

use super::{
    fits::{Fits, initial},
    layers::StackedLinear,
    network::Network,
    parameters::StackedParameters,
    training,
};
use crate::{
    labelled::{LabelledEmbeddings, check_dim},
    probes::{
        mlp::{MlpConfig, MlpRecord, Pooled, layers},
        standardise::Standardiser,
        training::copy_weights,
    },
};

/// The perceptrons of all fits.
pub struct Perceptrons {
    scaling: Standardiser,
    fits: usize,
    hidden: StackedLinear,
    output: StackedLinear,
}

/// Fits of the probe.
pub(in crate::probes) type StackedMlp = Fits<Perceptrons, MlpRecord>;

/// Fits with each of `seeds` at once.
///
/// # Errors
/// As a fit by itself; also if the device is out of memory.
pub(in crate::probes) fn fit(
    train: &LabelledEmbeddings,
    valid: &LabelledEmbeddings,
    config: &MlpConfig,
    seeds: &[u64],
    device: &Device,
) -> crate::Result<StackedMlp> {
    let budget = config.budget()?;
    let dim = train.embeddings().dim;
    check_dim(dim, valid)?;
    let initial = initial(seeds, |params| layers(dim, config.hidden, train.parameters(), params).map(|_| ()))?;
    let weights = initial.iter().map(copy_weights).collect::<Result<Vec<_>>>()?;
    let parameters = StackedParameters::of(&weights, device)?;
    let [hidden, output] = ["hidden", "output"].map(|name| StackedLinear::new(&parameters, name));
    let scaling = Standardiser::of(&train.embeddings().mean_pooled(), dim);
    let network = Perceptrons { scaling, fits: seeds.len(), hidden: hidden?, output: output? };
    let (inputs, valid_inputs) = (network.inputs(train, device)?, network.inputs(valid, device)?);
    let (on_train, on_valid) = ((&inputs, train.labels()), (&valid_inputs, valid.labels()));
    let histories = training::train(budget, seeds, &parameters, &network, on_train, on_valid)?;
    let records = histories.into_iter().zip(&initial).map(|(history, params)| MlpRecord::of(history, params)).collect();
    Ok(Fits { network, dim, device: device.clone(), records })
}

impl Network for Perceptrons {
    /// Pooled tokens, `(N, dim)`.
    fn inputs(&self, split: &LabelledEmbeddings, device: &Device) -> Result<Tensor> {
        let pooled = Pooled::of(split, &self.scaling);
        Tensor::from_vec(pooled.values, (split.n(), self.scaling.dim()), device)
    }

    fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        let (_, batch, dim) = inputs.dims3()?;
        let inputs = inputs.broadcast_as((self.fits, batch, dim))?.contiguous()?;
        self.output.forward(&gelu(&self.hidden.forward(&inputs)?)?)
    }
}
