//! The parameters of a session as the host sees them, and which of them are the encoder's.

use candle_core::{DType, Var};
use physrep_abi::Parameter;
use physrep_nn::Params;

use crate::Result;

/// Whether the parameter `name` is below the module path `module`.
pub(super) fn is_below(name: &str, module: &str) -> bool {
    name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.'))
}

/// The trained parameters below the module path `encoder`.
pub(super) fn encoder(params: &Params, encoder: &str) -> Vec<(String, Var)> {
    let mut trained = params.trained();
    trained.retain(|(name, _)| is_below(name, encoder));
    trained
}

/// All parameters, sorted by name; those below the module path `encoder` are the encoder's.
pub(super) fn describe(params: &Params, encoder: &str) -> Result<Vec<Parameter>> {
    params
        .named()
        .into_iter()
        .map(|(name, var)| {
            Ok(Parameter {
                shape: var.dims().iter().map(|&d| d as u64).collect(),
                encoder: is_below(&name, encoder),
                checksum: checksum(&var)?,
                name: name.into(),
            })
        })
        .collect()
}

fn checksum(var: &Var) -> Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    for value in var.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()? {
        hasher.update(&value.to_le_bytes());
    }
    Ok(*hasher.finalize().as_bytes())
}
