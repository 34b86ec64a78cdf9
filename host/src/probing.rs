//! Fits the suite's probes on embeddings and turns their predictions into scores.

use std::collections::BTreeMap;

use physrep_benchmarks::split::Split;

use crate::{
    Result,
    embed::Embedded,
    probe::{Probe, metrics},
    result::Score,
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
            let scores = metrics::scores(&fitted.predict(embedded)?, embedded.labels())?;
            let mut add = |parameter: &str, metric: &str, value: f64| {
                probed.scores.push(Score {
                    probe: probe.name().to_owned(),
                    split: split.name().to_owned(),
                    parameter: parameter.to_owned(),
                    metric: metric.to_owned(),
                    value,
                });
            };
            for parameter in &scores.parameters {
                add(&parameter.name, "mse", parameter.mse);
                if let Some(r2) = parameter.r2 {
                    add(&parameter.name, "r2", r2);
                }
            }
            add("mean", "mse", scores.mse);
            if let Some(r2) = scores.r2 {
                add("mean", "r2", r2);
            }
        }
    }
    report(probes.len() as u64, probes.len() as u64)?;
    Ok(probed)
}
