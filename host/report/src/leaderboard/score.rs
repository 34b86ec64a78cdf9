//! The score of a row by one probe, and its interval.

use physrep_benchmarks::Split;
use physrep_records::{CellRecord, Metrics, ProbeScore, Track};
use physrep_statistics::{Errors, Interval, Resampler, mean, t_interval};

use super::significance::Significance;

/// The score of a row by one probe that saw all labels.
#[derive(Clone, Debug)]
pub struct RowScore {
    /// What the labels trained.
    pub track: Track,
    /// The probe.
    pub probe: String,
    /// Mean squared error on test of each parameter, the mean over seeds.
    pub parameters: Vec<f64>,
    /// The mean over parameters and seeds.
    pub mean: Metrics,
    /// The 95 % interval of the mean squared error: over seeds if there are several, else over test trajectories.
    pub interval: Option<Interval>,
    /// The mean squared error on held-out parameters, if the suite has such.
    pub held_out: Option<f64>,
    /// The rank among the encoders with this probe, 1 the best; none for floors.
    pub rank: Option<f64>,
    /// How it compares with the best.
    pub significance: Significance,
    /// The score of the probe at each label fraction, ascending; the last is of all labels.
    pub by_label_fraction: Vec<ByLabelFraction>,
}

/// The score of a probe that saw a fraction of the labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ByLabelFraction {
    /// The label fraction, in (0, 1].
    pub fraction: f64,
    /// Mean squared error on test, the mean over parameters and seeds.
    pub mse: f64,
    /// Its 95 % interval.
    pub interval: Option<Interval>,
}

/// The score of the records of one row by one probe; none if none of them has it.
pub(super) fn score(records: &[&CellRecord], track: Track, probe: &str, resampler: &Resampler) -> Option<RowScore> {
    let scores = |fraction: f64, split: Split| -> Vec<&ProbeScore> {
        records.iter().filter_map(|record| record.score(track, probe, fraction, split)).collect()
    };
    let mean_mse = |scores: &[&ProbeScore]| mean(&scores.iter().map(|score| score.mean.mse).collect::<Vec<_>>());
    let test = scores(1.0, Split::Test);
    let over_seeds = |value: &dyn Fn(&ProbeScore) -> Option<f64>| -> Option<f64> {
        test.iter().map(|score| value(score)).collect::<Option<Vec<f64>>>().and_then(|values| mean(&values))
    };
    let mut fractions: Vec<f64> = records
        .iter()
        .flat_map(|record| &record.scores)
        .filter(|score| score.track == track && score.probe == probe)
        .map(|score| score.label_fraction)
        .collect();
    fractions.sort_unstable_by(f64::total_cmp);
    fractions.dedup();
    let by_label_fraction = fractions.into_iter().filter_map(|fraction| {
        let mse = mean_mse(&scores(fraction, Split::Test))?;
        Some(ByLabelFraction { fraction, mse, interval: interval(&errors(records, track, probe, fraction), resampler) })
    });
    let parameters = (0..test.first()?.parameters.len())
        .map(|index| over_seeds(&|score| score.parameters.get(index).map(|parameter| parameter.metrics.mse)))
        .collect::<Option<_>>()?;
    Some(RowScore {
        track,
        probe: probe.to_owned(),
        parameters,
        mean: Metrics {
            mse: over_seeds(&|score| Some(score.mean.mse))?,
            r2: over_seeds(&|score| score.mean.r2),
            trajectory_mse: over_seeds(&|score| Some(score.mean.trajectory_mse))?,
            trajectory_r2: over_seeds(&|score| score.mean.trajectory_r2),
        },
        interval: interval(&errors(records, track, probe, 1.0), resampler),
        held_out: mean_mse(&scores(1.0, Split::HeldOut)),
        rank: None,
        significance: Significance::Unranked,
        by_label_fraction: by_label_fraction.collect(),
    })
}

/// The errors on the test trajectories, the mean over parameters, of the records of one row by one probe.
pub(crate) fn errors(records: &[&CellRecord], track: Track, probe: &str, label_fraction: f64) -> Errors {
    let weights = records.first().and_then(|record| record.splits.get(&Split::Test)).map(|test| &test.windows);
    let seeds = records.iter().filter_map(|record| {
        let score = record.score(track, probe, label_fraction, Split::Test)?;
        let count = score.parameters.len() as f64;
        let trajectories = score.parameters.first()?.squared_error.len();
        let error = |t: usize| -> Option<f64> {
            let sum: Option<f64> =
                score.parameters.iter().map(|parameter| parameter.squared_error.get(t).map(|&e| f64::from(e))).sum();
            Some(sum? / count)
        };
        Some((record.identity.seed, (0..trajectories).map(error).collect::<Option<_>>()?))
    });
    Errors {
        seeds: seeds.collect(),
        weights: weights.into_iter().flatten().map(|&windows| f64::from(windows)).collect(),
    }
}

/// Student's t interval over seeds if there are several, else the bootstrap interval over trajectories.
fn interval(errors: &Errors, resampler: &Resampler) -> Option<Interval> {
    let by_seed: Vec<f64> = errors.by_seed().into_iter().map(|(_, error)| error).collect();
    // A score that no seed changes, such as a floor's, has no interval over seeds.
    if by_seed.len() > 1 && by_seed.iter().all(|error| *error == by_seed[0]) {
        return None;
    }
    t_interval(&by_seed).or_else(|| resampler.interval(&errors.by_trajectory()?, &errors.weights))
}
