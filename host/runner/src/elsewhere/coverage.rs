//! Whether a file has each window exactly once, and which of its rows is of which window.

use std::collections::{HashMap, HashSet};

use physrep_benchmarks::packed::Packed;
use physrep_evaluation::Embeddings;
use physrep_records::SuiteFacts;

use super::returned::ReturnedEmbeddings;
use crate::error::{Error, Result};

/// The embeddings of the windows with `identifiers`, in this order. `suite` and `data` are those that the identifiers are of.
///
/// # Errors
///
/// If a window is missing or there twice, or if the file has one that there is not.
pub(super) fn in_order_of(
    identifiers: &[i64],
    returned: &ReturnedEmbeddings,
    suite: &SuiteFacts,
    data: &Packed,
) -> Result<Embeddings> {
    let refused = |reason: String| Err(Error::file(&returned.path, reason));
    let mut rows = HashMap::new();
    for (row, identifier) in returned.identifiers.iter().enumerate() {
        if let Some(before) = rows.insert(*identifier, row) {
            return refused(format!(
                "identifier {identifier} is there twice, in rows {before} and {row}; expected each once"
            ));
        }
    }
    let known: HashSet<i64> = identifiers.iter().copied().collect();
    let mut unknown = returned.identifiers.iter().filter(|identifier| !known.contains(identifier));
    if let Some(first) = unknown.next() {
        let count = 1 + unknown.count();
        let header = data.header();
        return refused(format!(
            "{count} of its {} identifiers are of no window of {}, the first is {first}; expected those that `physrep-bench \
             export-windows` writes for suite {suite} ({}) and data {}: compare with `suite` and `data_checksum` in the windows.json beside \
             the clips, and export again if they differ",
            returned.identifiers.len(),
            header.system,
            suite.checksum,
            header.checksum
        ));
    }
    let mut missing = identifiers.iter().filter(|identifier| !rows.contains_key(identifier));
    if let Some(first) = missing.next() {
        let count = 1 + missing.count();
        return refused(format!(
            "{count} of {} windows are missing, the first has the identifier {first}; expected each once",
            identifiers.len()
        ));
    }
    let &Embeddings { ref values, tokens, dim, .. } = &returned.embeddings;
    let width = tokens * dim;
    let values = identifiers.iter().flat_map(|identifier| &values[rows[identifier] * width..][..width]).copied();
    Ok(Embeddings { values: values.collect(), n: identifiers.len(), tokens, dim })
}
