//! Fits the suite's probes on embeddings and turns their predictions into scores.

use std::collections::BTreeMap;

use physrep_benchmarks::split::Split;

use crate::{
    Result,
    embed::Embedded,
    probe::{Labels, Probe, metrics},
    result::{Score, Track},
};

/// The scores of all probes and what each of them chose.
#[derive(Debug, Default)]
pub struct Probed {
    /// MSE and R2 of every parameter and of their mean, on valid, test and, where there is one, held-out.
    pub scores: Vec<Score>,
    /// By probe, what was chosen on the valid split.
    pub chosen: BTreeMap<String, serde_json::Value>,
}

/// Fits each probe on train, lets it choose on valid, and scores all splits but train. `report` hears how many are done.
pub fn run(
    probes: &[Probe],
    embedded: &Embedded,
    seed: u64,
    mut report: impl FnMut(u64, u64) -> Result<()>,
) -> Result<Probed> {
    let mut probed = Probed::default();
    for (index, probe) in probes.iter().enumerate() {
        report(index as u64, probes.len() as u64)?;
        let fitted = probe.fit(&embedded[&Split::Train], &embedded[&Split::Valid], seed)?;
        probed.chosen.insert(probe.name().to_owned(), serde_json::json!(fitted.record()));
        for (split, embedded) in embedded.iter().filter(|(split, _)| **split != Split::Train) {
            let predictions = fitted.predict(embedded)?;
            probed.scores.extend(scores(Track::Frozen, probe.name(), *split, &predictions, embedded.labels())?);
        }
    }
    report(probes.len() as u64, probes.len() as u64)?;
    Ok(probed)
}

/// MSE and R2 of predictions `(N, P)` on a split: of every parameter and of their mean.
pub(crate) fn scores(
    track: Track,
    probe: &str,
    split: Split,
    predictions: &[f32],
    labels: &Labels,
) -> Result<Vec<Score>> {
    let measured = metrics::scores(predictions, labels)?;
    let mut scores = Vec::new();
    let mut add = |parameter: &str, metric: &str, value: f64| {
        scores.push(Score {
            track,
            probe: probe.to_owned(),
            split: split.name().to_owned(),
            parameter: parameter.to_owned(),
            metric: metric.to_owned(),
            value,
        });
    };
    let parameters = measured.parameters.iter().map(|p| (p.name.as_str(), p.mse, p.r2));
    for (name, mse, r2) in parameters.chain([("mean", measured.mse, measured.r2)]) {
        add(name, "mse", mse);
        if let Some(r2) = r2 {
            add(name, "r2", r2);
        }
    }
    Ok(scores)
}
