//! The file format of a session's state: one safetensors file of weights, optimizer state, accumulated gradients and step.

use std::collections::{BTreeMap, HashMap};

use candle_core::{Device, Tensor, safetensors::load_buffer};

use super::parameters::is_below;
use crate::{Error, Result};

/// Names of the entries beside the weights. No module path begins with an `@`.
const OPTIMIZER: &str = "@optimizer.";
const GRADIENT: &str = "@gradient.";
const STEP: &str = "@step";

/// What training needs to resume.
pub(super) struct SessionState {
    /// Parameters by module path.
    pub(super) weights: BTreeMap<String, Tensor>,
    /// The optimizer's moments by name.
    pub(super) optimizer: BTreeMap<String, Tensor>,
    /// Sums of gradients since the last update, by parameter.
    pub(super) gradients: BTreeMap<String, Tensor>,
    /// Steps done.
    pub(super) step: u64,
}

impl SessionState {
    /// The bytes of a safetensors file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let step = Tensor::new(self.step as i64, &Device::Cpu)?;
        let plain = self.weights.iter().map(|(name, tensor)| (name.clone(), tensor));
        let optimizer = self.optimizer.iter().map(|(name, tensor)| (format!("{OPTIMIZER}{name}"), tensor));
        let gradients = self.gradients.iter().map(|(name, tensor)| (format!("{GRADIENT}{name}"), tensor));
        let tensors: BTreeMap<String, &Tensor> =
            plain.chain(optimizer).chain(gradients).chain([(STEP.to_owned(), &step)]).collect();
        safetensors::serialize(tensors, None)
            .map_err(|e| Error::Checkpoint(format!("the state cannot be written as safetensors: {e}")))
    }

    /// Reads [`to_bytes`](Self::to_bytes), with the tensors on `device`.
    pub(super) fn from_bytes(file: &[u8], device: &Device) -> Result<Self> {
        let mut weights = BTreeMap::new();
        let mut optimizer = BTreeMap::new();
        let mut gradients = BTreeMap::new();
        let mut step = None;
        for (name, tensor) in tensors(file, device)? {
            if let Some(name) = name.strip_prefix(OPTIMIZER) {
                optimizer.insert(name.to_owned(), tensor);
            } else if let Some(name) = name.strip_prefix(GRADIENT) {
                gradients.insert(name.to_owned(), tensor);
            } else if name == STEP {
                step = Some(tensor.to_scalar::<i64>()? as u64);
            } else {
                weights.insert(name, tensor);
            }
        }
        let step = step.ok_or_else(|| {
            Error::Checkpoint(format!("the file has no `{STEP}`: it holds weights, not the state of a training run"))
        })?;
        Ok(Self { weights, optimizer, gradients, step })
    }
}

/// The weights below the module path `encoder` in a safetensors file of a whole method, or those of a file of the encoder
/// alone, whose names lack that path.
pub(super) fn encoder_weights(file: &[u8], encoder: &str, device: &Device) -> Result<BTreeMap<String, Tensor>> {
    let tensors = tensors(file, device)?;
    let of_whole_method = tensors.keys().any(|name| is_below(name, encoder));
    Ok(tensors
        .into_iter()
        .filter(|(name, _)| !of_whole_method || is_below(name, encoder))
        .map(|(name, tensor)| match of_whole_method {
            true => (name, tensor),
            false => (format!("{encoder}.{name}"), tensor),
        })
        .collect())
}

fn tensors(file: &[u8], device: &Device) -> Result<HashMap<String, Tensor>> {
    load_buffer(file, device).map_err(|e| Error::Checkpoint(format!("not a safetensors file: {e}")))
}
