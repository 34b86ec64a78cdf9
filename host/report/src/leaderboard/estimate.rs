//! An estimated error, and how precise the estimate is.

use physrep_benchmarks::Split;
use physrep_records::{CellRecord, ProbeScore, Track};
use physrep_statistics::{Errors, Interval, Resampler, mean, standard_deviation, t_interval};

/// The mean squared error of a row by one probe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean over parameters, fits of the probe and seeds.
    pub mse: f64,
    /// The 95 % interval: over seeds if there are several, else over trajectories.
    pub interval: Option<Interval>,
    /// The standard deviation over fits that differ only in the random weights from which the probe starts, the root mean square
    /// over seeds; none for a probe that was fitted once.
    pub fits_std: Option<f64>,
}

impl Estimate {
    /// The estimate from the score of each seed and the errors of the trajectories, which `resampler` draws; none without scores.
    pub(super) fn of(scores: &[&ProbeScore], errors: &Errors, resampler: &Resampler) -> Option<Self> {
        let mse: Vec<f64> = scores.iter().map(|score| score.mean.mse).collect();
        let fits = scores.iter().filter_map(|score| standard_deviation(&score.fits));
        let variances: Vec<f64> = fits.map(|std| std.powi(2)).collect();
        let fits_std = mean(&variances).map(f64::sqrt);
        Some(Self { mse: mean(&mse)?, interval: interval(errors, resampler), fits_std })
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

/// The errors on the test trajectories, the mean over parameters, of the records of one row by one probe.
pub(crate) fn errors(records: &[&CellRecord], track: Track, probe: &str, label_fraction: f64) -> Errors {
    let test = records.first().and_then(|record| record.splits.get(&Split::Test));
    let weights = test.into_iter().flat_map(|test| &test.windows).map(|&windows| f64::from(windows)).collect();
    errors_of(records, weights, |record| record.score(track, probe, label_fraction, Split::Test))
}

/// The errors of the trajectories of which records have a `score`, the mean over parameters; `weights` are their numbers of windows.
pub(super) fn errors_of<'a>(
    records: &[&'a CellRecord],
    weights: Vec<f64>,
    score: impl Fn(&'a CellRecord) -> Option<&'a ProbeScore>,
) -> Errors {
    let seeds = records.iter().filter_map(|&record| {
        let score = score(record)?;
        let count = score.parameters.len() as f64;
        let trajectories = score.parameters.first()?.squared_error.len();
        let error = |t: usize| -> Option<f64> {
            let sum: Option<f64> =
                score.parameters.iter().map(|parameter| parameter.squared_error.get(t).map(|&e| f64::from(e))).sum();
            Some(sum? / count)
        };
        Some((record.identity.seed, (0..trajectories).map(error).collect::<Option<_>>()?))
    });
    Errors { seeds: seeds.collect(), weights }
}
