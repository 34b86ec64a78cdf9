//! Few labels: a share of a split's trajectories, smaller shares within larger ones.

use physrep_nn::Rng;

use super::error::{Error, Result};
use super::split::{Embeddings, Labels, Split};

/// The windows of a share of a split's trajectories: `ceil(fraction * trajectories)` of them, the first ones of a random order that
/// `seed` and the split's name decide. Windows keep their order; all of them come back for a fraction of 1.
///
/// # Errors
/// If the fraction is not above 0 and at most 1.
pub fn few_labels(split: &Split, fraction: f64, seed: u64) -> Result<Split> {
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
    let order = Rng::new(seed, &format!("labels of {}", split.name()), 0).permutation(trajectories.len());
    let kept: Vec<u32> = order.iter().take(count.max(1)).map(|&place| trajectories[place as usize]).collect();
    let windows: Vec<usize> = (0..split.n()).filter(|&window| kept.contains(&labels.trajectory[window])).collect();
    let rows = |values: &[f32], width: usize| -> Vec<f32> {
        windows.iter().flat_map(|&window| &values[window * width..][..width]).copied().collect()
    };
    let Embeddings { ref values, tokens, dim, .. } = *embeddings;
    Split::new(
        split.name(),
        Embeddings { values: rows(values, tokens * dim), n: windows.len(), tokens, dim },
        Labels {
            values: rows(&labels.values, labels.names.len()),
            names: labels.names.clone(),
            trajectory: windows.iter().map(|&window| labels.trajectory[window]).collect(),
        },
    )
}
