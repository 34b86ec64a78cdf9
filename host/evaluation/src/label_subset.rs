//! Label subsets: the windows of a fraction of a split's trajectories, smaller fractions within larger ones.

use physrep_random::Stream;
use physrep_statistics::Labels;

use crate::{
    error::{Error, Result},
    labelled::{Embeddings, LabelledEmbeddings},
};

/// The windows of a fraction of a split's trajectories: `ceil(fraction * trajectories)` of them, the first ones of a random order that
/// `seed` and the split's name decide. Windows keep their order; all of them come back for a fraction of 1.
///
/// # Errors
/// If the fraction is not above 0 and at most 1.
pub fn label_subset(split: &LabelledEmbeddings, fraction: f64, seed: u64) -> Result<LabelledEmbeddings> {
    if !(fraction > 0.0 && fraction <= 1.0) {
        return Err(Error::Setting {
            setting: "label_fractions".into(),
            expected: "above 0 and at most 1",
            found: fraction.to_string(),
        });
    }
    let (embeddings, labels) = (split.embeddings(), split.labels());
    let trajectories = labels.trajectories();
    // A product such as 0.1 * 30, which rounds to just above 3, is meant to be 3.
    let count = (fraction * trajectories.len() as f64 * (1.0 - 1e-12)).ceil() as usize;
    if count == trajectories.len() {
        return Ok(split.clone());
    }
    let order = Stream::new(seed, &format!("labels of {}", split.name()), 0).permutation(trajectories.len());
    let kept: Vec<u32> = order.iter().take(count.max(1)).map(|&place| trajectories[place as usize]).collect();
    let windows: Vec<usize> = (0..split.n()).filter(|&window| kept.contains(&labels.trajectory[window])).collect();
    let rows = |values: &[f32], width: usize| -> Vec<f32> {
        windows.iter().flat_map(|&window| &values[window * width..][..width]).copied().collect()
    };
    let Embeddings { ref values, tokens, dim, .. } = *embeddings;
    LabelledEmbeddings::new(
        split.name(),
        Embeddings { values: rows(values, tokens * dim), n: windows.len(), tokens, dim },
        Labels {
            values: rows(&labels.values, labels.names.len()),
            names: labels.names.clone(),
            trajectory: windows.iter().map(|&window| labels.trajectory[window]).collect(),
        },
    )
}
