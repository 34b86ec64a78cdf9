//! A safetensors file of weights.

use std::path::Path;

use physrep_records::files;
use safetensors::SafeTensors;

use super::{element::Element, named_tensors::NamedTensor};
use crate::error::{Error, Result, plain};

/// A file that was read.
pub(super) struct SafetensorsFile {
    bytes: Vec<u8>,
    names: Vec<NamedTensor>,
    /// For each tensor, the type of its elements, and where in `bytes` it begins and ends.
    tensors: Vec<(Element, usize, usize)>,
}

impl SafetensorsFile {
    /// Reads a file. Entries that the state of a run has beside the weights, whose names begin with an `@`, are left out.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = files::read(path)?;
        let (header, metadata) = SafeTensors::read_metadata(&bytes)
            .map_err(|error| Error::file(path, plain(&format!("a damaged safetensors file: {error}"))))?;
        let (mut names, mut tensors) = (Vec::new(), Vec::new());
        for (name, found) in metadata.tensors().into_iter().filter(|(name, _)| !name.starts_with('@')) {
            let shape = found.shape.iter().map(|&length| length as u64).collect();
            names.push(NamedTensor { name, shape, dictionary: 0, tensor: tensors.len() });
            let (begin, end) = found.data_offsets;
            tensors.push((found.dtype, 8 + header + begin, 8 + header + end));
        }
        Ok(Self { bytes, names, tensors })
    }

    /// The tensors' names.
    pub fn names(&self) -> &[NamedTensor] {
        &self.names
    }

    /// The values of a tensor in row-major order, little-endian.
    pub fn values(&self, tensor: usize) -> (Element, Vec<u8>) {
        let (element, begin, end) = self.tensors[tensor];
        (element, self.bytes[begin..end].to_vec())
    }
}
