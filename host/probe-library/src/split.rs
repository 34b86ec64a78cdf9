//! Splits as they cross, and as the probes take them.

use physrep_evaluation::{Embeddings, Error, LabelledEmbeddings};
use physrep_probe_interface::SplitView;
use physrep_statistics::Labels;

/// A copy of a split, checked.
///
/// # Errors
/// If its shapes contradict each other, or a value is not finite.
pub(crate) fn labelled(view: &SplitView<'_>) -> Result<LabelledEmbeddings, Error> {
    let SplitView { name, embeddings, tokens, dim, labels, parameters, trajectory } = *view;
    let embeddings = Embeddings { values: embeddings.to_vec(), n: trajectory.len(), tokens, dim };
    let names = parameters.iter().map(|name| name.as_str().to_owned()).collect();
    LabelledEmbeddings::new(
        name.as_str(),
        embeddings,
        Labels { values: labels.to_vec(), names, trajectory: trajectory.to_vec() },
    )
}
