//! The order in which the windows of a system are encoded: shuffled over all splits by the suite's seed. Neither its number nor its
//! neighbours may tell which split or trajectory a window is of.

use physrep_benchmarks::{
    Split,
    packed::{Packed, Window},
    suite::Suite,
};
use physrep_evaluation::{Embeddings, LabelledEmbeddings};
use physrep_random::Stream;

use super::embedded_splits::{EmbeddedSplits, labels};
use crate::error::Result;

/// The windows of some splits of a system, and the order in which they are encoded.
pub(crate) struct EncodingOrder {
    splits: Vec<(Split, Vec<Window>)>,
    /// At each place, the number of the window over all splits.
    order: Vec<u32>,
}

impl EncodingOrder {
    /// The order of the windows of those of `splits` that `data` has.
    pub(crate) fn of(suite: &Suite, data: &Packed, splits: &[Split]) -> Self {
        let plan = suite.window_on(&data.header().system);
        let splits = data.header().splits().filter(|split| splits.contains(split));
        let splits: Vec<(Split, Vec<Window>)> = splits.map(|split| (split, data.windows(split, &plan))).collect();
        let count = splits.iter().map(|(_, windows)| windows.len()).sum();
        Self { splits, order: Stream::new(suite.seed, "order of encoding", 0).permutation(count) }
    }

    /// The windows in this order.
    pub(crate) fn windows(&self) -> Vec<Window> {
        let windows: Vec<Window> = self.splits.iter().flat_map(|(_, windows)| windows).copied().collect();
        self.order.iter().map(|&index| windows[index as usize]).collect()
    }

    /// The embeddings of the windows in this order, by split, with the labels that `data` has.
    ///
    /// # Errors
    ///
    /// If they are empty or not finite.
    pub(crate) fn by_split(self, data: &Packed, embeddings: &Embeddings) -> Result<EmbeddedSplits> {
        let &Embeddings { tokens, dim, .. } = embeddings;
        let sorted = in_order(&embeddings.values, &self.order);
        let mut rest = sorted.as_slice();
        let mut of_split = |(split, windows): (Split, Vec<Window>)| -> Result<(Split, LabelledEmbeddings)> {
            let values = rest.split_off(..windows.len() * tokens * dim).expect("a row for each window").to_vec();
            let embeddings = Embeddings { values, n: windows.len(), tokens, dim };
            Ok((split, LabelledEmbeddings::new(split.name(), embeddings, labels(data, &windows))?))
        };
        self.splits.into_iter().map(&mut of_split).collect()
    }
}

/// The rows of `values`, of which row `i` belongs to place `order[i]`, in their places.
fn in_order(values: &[f32], order: &[u32]) -> Vec<f32> {
    let mut sorted = vec![0.0; values.len()];
    let length = values.len() / order.len().max(1);
    for (row, &place) in values.chunks_exact(length.max(1)).zip(order) {
        sorted[place as usize * length..][..length].copy_from_slice(row);
    }
    sorted
}
