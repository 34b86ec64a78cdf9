//! The embeddings and labels of each split: what probes are fitted on.

use std::collections::BTreeMap;

use physrep_benchmarks::{
    Split,
    packed::{Packed, Window},
};
use physrep_evaluation::LabelledEmbeddings;
use physrep_statistics::Labels;

/// The embeddings and labels of each split.
pub type EmbeddedSplits = BTreeMap<Split, LabelledEmbeddings>;

/// The number of windows in all splits.
pub fn window_count(embedded: &EmbeddedSplits) -> u64 {
    embedded.values().map(|split| split.n() as u64).sum()
}

/// The scaled labels of windows, `(N, P)`.
pub fn labels(data: &Packed, windows: &[Window]) -> Labels {
    Labels {
        values: windows.iter().flat_map(|w| data.labels(w.trajectory)).map(|&label| label as f32).collect(),
        names: data.header().scalings.iter().map(|scaling| scaling.name.clone()).collect(),
        trajectory: windows.iter().map(|window| window.trajectory as u32).collect(),
    }
}
