//! Weights in safetensors files, and in the `.pth` files of PyTorch's `torch.save(state_dict)`.

use std::path::Path;

use candle_core::{DType, Tensor, pickle};

use physrep_records::files;

use crate::error::{Error, Result};

/// The tensors in the file at `path`, as the bytes of a safetensors file.
///
/// A `.pth` or `.pt` file may hold a state dict, or one under the key `state_dict` or `model`; its tensors become `f32`.
///
/// # Errors
///
/// If the file cannot be read, or holds no tensors.
pub fn read_weights(path: &Path) -> Result<Vec<u8>> {
    let pickled = path.extension().is_some_and(|e| e == "pth" || e == "pt");
    if !pickled {
        return Ok(files::read(path)?);
    }
    let error = |reason: String| Error::file(path, reason);
    let under = |key: Option<&str>| pickle::read_all_with_key(path, key);
    // A missing key gives no tensors or an error; without a key, an error means that the file is not a state dict.
    let top = under(None).map_err(|e| error(format!("not a PyTorch state dict in zip format: {e}")))?;
    let nested = || ["state_dict", "model"].into_iter().filter_map(|key| under(Some(key)).ok());
    let tensors = std::iter::once(top).chain(nested()).find(|tensors| !tensors.is_empty()).ok_or_else(|| {
        error("holds no tensors at its top, under `state_dict` or under `model`; save a state dict".into())
    })?;
    let tensors = tensors
        .into_iter()
        .map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F32)?.contiguous()?)))
        .collect::<candle_core::Result<Vec<(String, Tensor)>>>()
        .map_err(|e| error(e.to_string()))?;
    safetensors::serialize(tensors, None).map_err(|e| error(e.to_string()))
}
