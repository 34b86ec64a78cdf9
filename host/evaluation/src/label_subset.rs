//! Label subsets: the windows of a fraction of a split's trajectories. Smaller fractions are subsets of larger ones.

use physrep_random::Stream;
use physrep_statistics::Labels;

use crate::{
    error::{Error, Result},
    labelled::{Embeddings, LabelledEmbeddings},
};

/// The windows of `ceil(fraction * trajectories)` trajectories of a split: the first ones in a random order, which is a function of
/// `seed` and the split's name. Windows keep their order; a fraction of 1 returns all of them.
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
    // A product such as 0.1 * 30 rounds to just above 3 and must count as 3.
    let count = (fraction * trajectories.len() as f64 * (1.0 - 1e-12)).ceil() as usize;
    if count == trajectories.len() {
        return Ok(split.clone());
    }
    let order = Stream::new(seed, &format!("labels of {}", split.name()), 0).permutation(trajectories.len());
    let kept: Vec<u32> = order.iter().take(count.max(1)).map(|&index| trajectories[index as usize]).collect();
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
