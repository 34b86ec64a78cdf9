//! The score of a row by one probe.

use physrep_benchmarks::{Regime, Split};
use physrep_records::{CellRecord, ProbeScore, Track};
use physrep_statistics::mean;

use super::{
    estimate::{Estimate, errors, errors_of},
    resamplers::Resamplers,
    significance::Significance,
};

/// The score of a row by one probe that saw all labels.
#[derive(Clone, Debug)]
pub struct RowScore {
    /// What the labels trained.
    pub track: Track,
    /// The probe.
    pub probe: String,
    /// The error on test.
    pub test: Estimate,
    /// Mean squared error on test of each parameter, the mean over seeds.
    pub parameters: Vec<f64>,
    /// R2 on test, the mean over parameters and seeds.
    pub r2: Option<f64>,
    /// Mean squared error on test of one prediction for each trajectory, the mean over parameters and seeds.
    pub trajectory_mse: f64,
    /// The rank among the encoders with this probe, 1 the best; none for a row that does not compete.
    pub rank: Option<f64>,
    /// How it compares with the best.
    pub significance: Significance,
    /// The error on held-out parameters by regime, if the suite has such.
    pub by_regime: Vec<ByRegime>,
    /// The error on test of the probe at each label fraction, ascending; the last is of all labels.
    pub by_label_fraction: Vec<ByLabelFraction>,
}

/// The error of a probe that saw all labels on held-out parameters of a regime.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ByRegime {
    /// The regime.
    pub regime: Regime,
    /// The error on its trajectories.
    pub error: Estimate,
}

/// The error on test of a probe that saw a fraction of the labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ByLabelFraction {
    /// The label fraction, in (0, 1].
    pub fraction: f64,
    /// The error.
    pub error: Estimate,
}

/// The score of the records of one row by one probe; none if none of them has it.
pub(super) fn score(records: &[&CellRecord], track: Track, probe: &str, resamplers: &Resamplers) -> Option<RowScore> {
    let scores = |fraction: f64| -> Vec<&ProbeScore> {
        records.iter().filter_map(|record| record.score(track, probe, fraction, Split::Test)).collect()
    };
    let on_test =
        |fraction: f64| Estimate::of(&scores(fraction), &errors(records, track, probe, fraction), &resamplers.test);
    let test = scores(1.0);
    let over_seeds = |value: &dyn Fn(&ProbeScore) -> Option<f64>| -> Option<f64> {
        test.iter().map(|score| value(score)).collect::<Option<Vec<f64>>>().and_then(|values| mean(&values))
    };
    let parameters = (0..test.first()?.parameters.len())
        .map(|index| over_seeds(&|score| score.parameters.get(index).map(|parameter| parameter.metrics.mse)))
        .collect::<Option<_>>()?;
    let by_label_fraction = fractions(records, track, probe).into_iter();
    Some(RowScore {
        track,
        probe: probe.to_owned(),
        test: on_test(1.0)?,
        parameters,
        r2: over_seeds(&|score| score.mean.r2),
        trajectory_mse: over_seeds(&|score| Some(score.mean.trajectory_mse))?,
        rank: None,
        significance: Significance::Unranked,
        by_regime: by_regime(records, track, probe, resamplers),
        by_label_fraction: by_label_fraction
            .filter_map(|fraction| Some(ByLabelFraction { fraction, error: on_test(fraction)? }))
            .collect(),
    })
}

/// The label fractions that a probe was fitted on, ascending.
fn fractions(records: &[&CellRecord], track: Track, probe: &str) -> Vec<f64> {
    let scores = records.iter().flat_map(|record| &record.scores);
    let of_probe = scores.filter(|score| score.track == track && score.probe == probe);
    let mut fractions: Vec<f64> = of_probe.map(|score| score.label_fraction).collect();
    fractions.sort_unstable_by(f64::total_cmp);
    fractions.dedup();
    fractions
}

/// The errors of one row by one probe on each regime of held-out parameters.
fn by_regime(records: &[&CellRecord], track: Track, probe: &str, resamplers: &Resamplers) -> Vec<ByRegime> {
    let of = |regime: Regime| {
        let scores: Vec<_> = records.iter().filter_map(|record| record.regime_score(track, probe, regime)).collect();
        let held_out = records.first()?.splits.get(&Split::HeldOut)?;
        let of_regime = held_out.windows.iter().zip(&held_out.regimes).filter(|(_, other)| **other == regime);
        let weights: Vec<f64> = of_regime.map(|(&windows, _)| f64::from(windows)).collect();
        let errors = errors_of(records, weights, |record| record.regime_score(track, probe, regime));
        Some(ByRegime { regime, error: Estimate::of(&scores, &errors, resamplers.of(regime)?)? })
    };
    Regime::ALL.into_iter().filter_map(of).collect()
}
