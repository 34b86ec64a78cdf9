//! Facts about an encoder: its sizes, versions and checksums.

use physrep_benchmarks::Split;
use physrep_records::EncoderFacts;

use crate::{
    error::Result,
    plugin::{Plugin, Session},
    stages::encode::EmbeddedSplits,
};

/// The sizes and checksums of an encoder; `checksum` is that of its weights.
pub(super) fn encoder_facts(
    session: &Session<'_>,
    plugin: &Plugin,
    checksum: String,
    embedded: &EmbeddedSplits,
) -> Result<EncoderFacts> {
    let parameters = session.parameters()?;
    let count = |encoder_only: bool| {
        parameters
            .iter()
            .filter(|parameter| parameter.encoder || !encoder_only)
            .map(|parameter| parameter.shape.iter().product::<u64>())
            .sum()
    };
    let tokens = embedded[&Split::Train].embeddings();
    Ok(EncoderFacts {
        encoder_parameters: count(true),
        method_parameters: count(false),
        tokens: tokens.tokens,
        dim: tokens.dim,
        checksum,
        plugin_checksum: plugin.library().checksum().to_owned(),
        method_version: plugin.library().version().map(str::to_owned),
        method_revision: plugin.library().revision().map(str::to_owned),
    })
}

/// BLAKE3 over the names and checksums of the encoder's parameters.
pub(super) fn encoder_checksum(session: &Session<'_>) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for parameter in session.parameters()?.iter().filter(|parameter| parameter.encoder) {
        hasher.update(parameter.name.as_bytes());
        hasher.update(&parameter.checksum);
    }
    Ok(hasher.finalize().to_hex().to_string())
}
