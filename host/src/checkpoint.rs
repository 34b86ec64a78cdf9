//! Weights from elsewhere: safetensors files, and the `.pth` files of PyTorch's `torch.save(state_dict)`.

use std::path::Path;

use candle_core::{DType, Tensor, pickle};

use crate::{Error, Result, files};

/// The bytes of a safetensors file with the tensors that `path` holds.
///
/// A `.pth` or `.pt` file may hold a state dict, or one under the key `state_dict` or `model`.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let pickled = path.extension().is_some_and(|e| e == "pth" || e == "pt");
    if !pickled {
        return files::read(path);
    }
    let error = |reason: String| Error::File { path: path.to_owned(), reason };
    // A wrong key gives no tensors and no error.
    let tensors = [None, Some("state_dict"), Some("model")]
        .into_iter()
        .find_map(|key| match pickle::read_all_with_key(path, key) {
            Ok(tensors) if tensors.is_empty() => None,
            other => Some(other),
        })
        .ok_or_else(|| {
            error("holds no tensors at its top, under `state_dict` or under `model`; save a state dict".into())
        })?
        .map_err(|e| error(format!("not a PyTorch state dict in zip format: {e}")))?;
    let tensors = tensors
        .into_iter()
        .map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F32)?.contiguous()?)))
        .collect::<candle_core::Result<Vec<(String, Tensor)>>>()
        .map_err(|e| error(e.to_string()))?;
    safetensors::serialize(tensors, None).map_err(|e| error(e.to_string()))
}
