//! The embedding cache: the embeddings of a cell on disk, computed once, so that probes need no plugin. Their record is written last
//! and marks them as complete.

use std::collections::BTreeMap;

use physrep_benchmarks::{Split, packed::Packed};
use physrep_evaluation::{Embeddings, LabelledEmbeddings};
use physrep_records::{
    Cell, CellFolder, Digest, EncoderFacts, EncodingCheck, Error as RecordsError, PhaseCost, files, sealed,
};
use physrep_statistics::GradientFlow;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::embedded_splits::{EmbeddedSplits, labels};
use crate::error::{Error, Result};

/// Embeddings as the bytes of a file.
pub struct EmbeddingCache {
    bytes: Vec<u8>,
    checksum: String,
}

impl EmbeddingCache {
    /// The tokens, `(N, tokens, dim)` for each split, and the labels, `(N, P)`, as a safetensors file.
    ///
    /// # Errors
    ///
    /// If they cannot be written so.
    pub fn of(embedded: &EmbeddedSplits) -> Result<Self> {
        let bytes = serialize(embedded).map_err(|e| Error::file("embeddings.safetensors", e.to_string()))?;
        Ok(Self { checksum: blake3::hash(&bytes).to_hex().to_string(), bytes })
    }

    /// BLAKE3 of the file.
    pub fn checksum(&self) -> &str {
        &self.checksum
    }

    /// Writes the file into the folder of a cell, then the record that marks it as complete, with its checksum.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn save(&self, record: CachedEmbeddings, folder: &CellFolder) -> Result<()> {
        let record = CachedEmbeddings { checksum: self.checksum.clone(), ..record };
        files::write(&folder.embeddings(), &self.bytes)?;
        Ok(sealed::write(&folder.embeddings_record(), &record)?)
    }
}

/// The record of complete embeddings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CachedEmbeddings {
    /// The digest of this record.
    pub digest: Digest,
    /// BLAKE3 of the file of embeddings.
    pub checksum: String,
    /// The encoder, if there is one.
    pub encoder: Option<EncoderFacts>,
    /// The gradient in the first steps of its pretraining, if there was one.
    pub gradient: Option<GradientFlow>,
    /// Whether embeddings depend on their own window alone.
    pub encoding: Option<EncodingCheck>,
    /// Whether the encoder's weights were the same after encoding.
    pub encoder_unchanged: Option<bool>,
    /// The restrictions on the process that encoded.
    pub sandbox: Vec<String>,
    /// The cost of the pretraining.
    pub pretrain: PhaseCost,
    /// The cost of encoding.
    pub encode: PhaseCost,
}

impl CachedEmbeddings {
    /// Writes the embeddings that this is the record of into the folder of a cell.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn save(&self, embedded: &EmbeddedSplits, folder: &CellFolder) -> Result<()> {
        EmbeddingCache::of(embedded)?.save(self.clone(), folder)
    }

    /// The complete embeddings of `cell` in `folder`. None if there are none, or if they do not match their checksum and must be
    /// computed again.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn load(cell: &Cell, data: &Packed, folder: &CellFolder) -> Result<Option<(Self, EmbeddedSplits)>> {
        if !folder.embeddings_record().is_file() || !folder.embeddings().is_file() {
            return Ok(None);
        }
        let cached: Self = match sealed::read(&folder.embeddings_record()) {
            Err(damaged @ RecordsError::Damaged { .. }) => {
                log::warn!("{damaged}; encoding again");
                return Ok(None);
            }
            cached => cached?,
        };
        let bytes = files::read(&folder.embeddings())?;
        if blake3::hash(&bytes).to_hex().as_str() != cached.checksum {
            log::warn!("{} is damaged or was changed; encoding again", folder.embeddings().display());
            return Ok(None);
        }
        let file = SafeTensors::deserialize(&bytes).map_err(|e| Error::file(folder.embeddings(), e.to_string()))?;
        let window_plan = cell.suite.window_on(cell.system());
        let mut embedded = EmbeddedSplits::new();
        for split in data.header().splits() {
            let Ok(tokens) = file.tensor(&tensor_name(split)) else {
                continue;
            };
            let &[n, count, dim] = tokens.shape() else {
                continue;
            };
            let (values, _) = tokens.data().as_chunks::<4>();
            let values = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            let embeddings = Embeddings { values, n, tokens: count, dim };
            let windows = data.windows(split, &window_plan);
            embedded.insert(split, LabelledEmbeddings::new(split.name(), embeddings, labels(data, &windows))?);
        }
        Ok(Some((cached, embedded)))
    }
}

fn tensor_name(split: Split) -> String {
    format!("{split}.tokens")
}

fn serialize(embedded: &EmbeddedSplits) -> std::result::Result<Vec<u8>, safetensors::SafeTensorError> {
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let mut tensors = BTreeMap::new();
    for (&split, embedded) in embedded {
        let (embeddings, labels) = (embedded.embeddings(), embedded.labels());
        let shape = vec![embeddings.n, embeddings.tokens, embeddings.dim];
        tensors.insert(tensor_name(split), (shape, bytes(&embeddings.values)));
        tensors.insert(format!("{split}.labels"), (vec![labels.n(), labels.names.len()], bytes(&labels.values)));
    }
    let views = tensors
        .iter()
        .map(|(name, (shape, bytes))| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()?;
    safetensors::serialize(views, None)
}
