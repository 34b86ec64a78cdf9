//! Fits the suite's probes on embeddings, with all labels and with few, and turns their predictions into readings.

use std::collections::BTreeMap;

use physrep_benchmarks::Split;

use crate::{
    Result,
    embed::Embedded,
    probe::{self, Labels, Probe, fraction::few_labels, metrics},
    result::{Choice, Measures, ParameterReading, Reading, Track, Trajectories},
};

/// What all probes read, and what each of them chose.
#[derive(Debug, Default)]
pub struct Probed {
    /// By probe, share of labels and split.
    pub readings: Vec<Reading>,
    /// By probe and share of labels.
    pub choices: Vec<Choice>,
}

/// Fits each probe on each share of the labels of train, lets it choose on as large a share of valid, and scores all splits but
/// train. `label_seed` draws the trajectories whose labels are seen, the same for every method; `seed` starts the probes.
/// `report` hears how many fits are done.
pub fn run(
    probes: &[Probe],
    fractions: &[f64],
    embedded: &Embedded,
    label_seed: u64,
    seed: u64,
    mut report: impl FnMut(u64, u64) -> Result<()>,
) -> Result<Probed> {
    let mut probed = Probed::default();
    let total = (probes.len() * fractions.len()) as u64;
    let mut done = 0;
    for &fraction in fractions {
        let labelled = |split| few_labels(&embedded[&split], fraction, label_seed);
        let (train, valid) = (labelled(Split::Train)?, labelled(Split::Valid)?);
        for probe in probes {
            report(done, total)?;
            let fitted = probe.fit(&train, &valid, seed)?;
            let (track, probe) = (Track::Frozen, probe.name());
            probed.choices.push(Choice {
                track,
                probe: probe.to_owned(),
                label_fraction: fraction,
                record: serde_json::json!(fitted.record()),
            });
            for (&split, embedded) in scored(embedded) {
                let predictions = fitted.predict(embedded)?;
                probed.readings.push(reading(track, probe, fraction, split, &predictions, embedded.labels())?);
            }
            done += 1;
        }
    }
    report(total, total)?;
    Ok(probed)
}

/// The splits that are scored: all but the one that probes are fitted on.
fn scored(embedded: &Embedded) -> impl Iterator<Item = (&Split, &probe::Split)> {
    embedded.iter().filter(|(split, _)| **split != Split::Train)
}

/// The trajectories of the splits that are scored.
pub fn trajectories(embedded: &Embedded) -> Result<BTreeMap<Split, Trajectories>> {
    scored(embedded)
        .map(|(&split, embedded)| {
            let labels = embedded.labels();
            let (values, of) = metrics::per_trajectory(&labels.values, labels)?;
            let windows =
                of.trajectory.iter().map(|t| labels.trajectory.iter().filter(|other| *other == t).count() as u32);
            Ok((
                split,
                Trajectories {
                    windows: windows.collect(),
                    labels: (0..labels.names.len())
                        .map(|parameter| column(&values, parameter, &labels.names))
                        .collect(),
                    index: of.trajectory,
                },
            ))
        })
        .collect()
}

/// What `predictions`, `(N, P)`, read of a split.
pub fn reading(
    track: Track,
    probe: &str,
    label_fraction: f64,
    split: Split,
    predictions: &[f32],
    labels: &Labels,
) -> Result<Reading> {
    let windows = metrics::scores(predictions, labels)?;
    let (means, truth) = metrics::per_trajectory(predictions, labels)?;
    let trajectories = metrics::scores(&means, &truth)?;
    let errors: Vec<f32> = predictions.iter().zip(&labels.values).map(|(f, y)| (f - y).powi(2)).collect();
    let errors = metrics::mean_over_trajectories(&errors, labels);
    let both = windows.parameters.iter().zip(&trajectories.parameters).enumerate();
    let parameters = both.map(|(index, (window, trajectory))| ParameterReading {
        name: window.name.clone(),
        measures: Measures {
            mse: window.mse,
            r2: window.r2,
            trajectory_mse: trajectory.mse,
            trajectory_r2: trajectory.r2,
        },
        predicted: column(&means, index, &labels.names),
        squared_error: column(&errors, index, &labels.names),
    });
    Ok(Reading {
        track,
        probe: probe.to_owned(),
        label_fraction,
        split,
        parameters: parameters.collect(),
        mean: Measures {
            mse: windows.mse,
            r2: windows.r2,
            trajectory_mse: trajectories.mse,
            trajectory_r2: trajectories.r2,
        },
    })
}

/// The values of one parameter out of `(N, P)`.
fn column(values: &[f32], parameter: usize, names: &[String]) -> Vec<f32> {
    values.iter().skip(parameter).step_by(names.len()).copied().collect()
}
