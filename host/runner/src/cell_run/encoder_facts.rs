//! Facts about an encoder: its sizes, versions and checksums.

use physrep_benchmarks::Split;
use physrep_records::{EncoderFacts, ProgramFacts};

use crate::{
    error::Result,
    method_process::{MethodProcess, ParameterFacts},
    plugin::MethodFolder,
    stages::embedded_splits::EmbeddedSplits,
};

/// The sizes and checksums of an encoder with these parameters.
///
/// # Errors
///
/// If the folder of a method in another process cannot be read any more.
pub(super) fn encoder_facts(
    method: &MethodProcess,
    parameters: &[ParameterFacts],
    embedded: &EmbeddedSplits,
) -> Result<EncoderFacts> {
    let count = |encoder_only: bool| {
        parameters
            .iter()
            .filter(|parameter| parameter.encoder || !encoder_only)
            .map(|parameter| parameter.shape.iter().fold(1u64, |count, &length| count.saturating_mul(length)))
            .fold(0, u64::saturating_add)
    };
    let tokens = embedded[&Split::Train].embeddings();
    let library = method.library();
    let folder = library.code().method_folder()?;
    let facts = |folder: &MethodFolder| -> Result<ProgramFacts> {
        Ok(ProgramFacts { command: folder.command(), folder_checksum: folder.checksum()? })
    };
    Ok(EncoderFacts {
        encoder_parameters: count(true),
        method_parameters: count(false),
        tokens: tokens.tokens,
        dim: tokens.dim,
        checksum: encoder_checksum(parameters),
        plugin_checksum: library.checksum().to_owned(),
        program: folder.as_ref().map(facts).transpose()?,
        method_version: library.version().map(str::to_owned),
        method_revision: library.revision().map(str::to_owned),
    })
}

/// BLAKE3 over the names and checksums of the encoder's parameters.
pub(super) fn encoder_checksum(parameters: &[ParameterFacts]) -> String {
    let mut hasher = blake3::Hasher::new();
    for parameter in parameters.iter().filter(|parameter| parameter.encoder) {
        hasher.update(parameter.name.as_bytes());
        hasher.update(&parameter.checksum);
    }
    hasher.finalize().to_hex().to_string()
}
