//! The embeddings that someone hands back, in a file: `identifiers` of windows and their `tokens`.

use std::path::{Path, PathBuf};

use candle_core::{DType, WithDType};
use physrep_evaluation::Embeddings;
use physrep_records::files;
use safetensors::{Dtype, SafeTensors};

use super::npz;
use crate::error::{Error, Result, plain};

/// The array of identifiers, `(N,)`.
const IDENTIFIERS: &str = "identifiers";

/// The array of tokens, `(N, tokens, dim)`.
const TOKENS: &str = "tokens";

/// Embeddings of windows, in any order.
#[derive(Clone, Debug)]
pub struct ReturnedEmbeddings {
    /// The file.
    pub path: PathBuf,
    /// The identifier of each window, `(N,)`.
    pub identifiers: Vec<i64>,
    /// The tokens of each window, `(N, tokens, dim)`.
    pub embeddings: Embeddings,
}

/// An array with its shape.
struct Array<T> {
    shape: Vec<usize>,
    values: Vec<T>,
}

impl ReturnedEmbeddings {
    /// Reads a file that was written with `numpy.savez`, or a safetensors file: `identifiers`, `(N,)` of 64-bit integers, and `tokens`,
    /// `(N, tokens, dim)` of 32-bit floating-point numbers.
    ///
    /// # Errors
    ///
    /// If it is no such file, or if a value is not finite.
    pub fn read(path: &Path) -> Result<Self> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let (identifiers, tokens) = match extension {
            Some("npz") => (of_npz(path, IDENTIFIERS, DType::I64)?, of_npz(path, TOKENS, DType::F32)?),
            Some("safetensors") => of_safetensors(path)?,
            _ => {
                return Err(Error::Usage(format!(
                    "{}: expected a file whose name ends in .npz or .safetensors",
                    path.display()
                )));
            }
        };
        let refused = |reason: String| Err(Error::file(path, reason));
        let [n] = identifiers.shape[..] else {
            return refused(format!(
                "`identifiers` has the shape {:?}; expected one number a window, (N,)",
                identifiers.shape
            ));
        };
        let [rows, tokens_of_each, dim] = tokens.shape[..] else {
            return refused(format!(
                "`tokens` has the shape {:?}; expected (N, tokens, dim); for one token a window, give it that axis: tokens[:, None]",
                tokens.shape
            ));
        };
        if rows != n {
            return refused(format!("`identifiers` has {n} rows, `tokens` has {rows}; expected as many of both"));
        }
        if tokens.values.is_empty() {
            return refused(format!("`tokens` has the shape {:?}: it is empty", tokens.shape));
        }
        if let Some(place) = tokens.values.iter().position(|value| !value.is_finite()) {
            let (row, place_in_row) = (place / (tokens_of_each * dim), place % (tokens_of_each * dim));
            return refused(format!(
                "`tokens` of identifier {} is {} at token {}, dimension {}; expected finite numbers",
                identifiers.values[row],
                tokens.values[place],
                place_in_row / dim,
                place_in_row % dim
            ));
        }
        let embeddings = Embeddings { values: tokens.values, n, tokens: tokens_of_each, dim };
        Ok(Self { path: path.to_owned(), identifiers: identifiers.values, embeddings })
    }
}

/// An array of an `.npz` file.
fn of_npz<T: WithDType>(path: &Path, name: &str, expected: DType) -> Result<Array<T>> {
    let tensor = npz::array(path, name)?;
    if tensor.dtype() != expected {
        return Err(other_type(path, name, tensor.dtype().as_str(), expected));
    }
    let values = tensor.flatten_all().and_then(|tensor| tensor.to_vec1());
    Ok(Array { shape: tensor.dims().to_vec(), values: values.map_err(|e| Error::file(path, e.to_string()))? })
}

/// Both arrays of a safetensors file.
fn of_safetensors(path: &Path) -> Result<(Array<i64>, Array<f32>)> {
    let bytes = files::read(path)?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|e| Error::file(path, format!("not a safetensors file, or one that is damaged: {e}")))?;
    let tensor = |name: &str, expected: Dtype, dtype: DType| {
        let tensor = file.tensor(name).map_err(|_| {
            let names = file.names().into_iter().take(8).map(plain).collect::<Vec<_>>().join(", ");
            Error::file(path, format!("has no array `{name}`; it has: {names}"))
        })?;
        match tensor.dtype() == expected {
            true => Ok(tensor),
            false => Err(other_type(path, name, &format!("{:?}", tensor.dtype()).to_lowercase(), dtype)),
        }
    };
    let identifiers = tensor(IDENTIFIERS, Dtype::I64, DType::I64)?;
    let tokens = tensor(TOKENS, Dtype::F32, DType::F32)?;
    let numbers = identifiers.data().as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect();
    let values = tokens.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    Ok((
        Array { shape: identifiers.shape().to_vec(), values: numbers },
        Array { shape: tokens.shape().to_vec(), values },
    ))
}

fn other_type(path: &Path, name: &str, found: &str, expected: DType) -> Error {
    let numpy = if expected == DType::F32 { "float32" } else { "int64" };
    Error::file(path, format!("`{name}` is of type {found}; expected {numpy}, as {name}.astype(\"{numpy}\") gives"))
}
