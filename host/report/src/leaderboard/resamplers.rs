//! The draws of trajectories that the intervals of one system share.

use physrep_benchmarks::{Regime, Split};
use physrep_records::CellRecord;
use physrep_statistics::Resampler;

/// The seed of the bootstrap: the same for all tables, so that the same records give the same bytes.
const SEED: u64 = 0;

/// The draws of the trajectories of test, and of each regime of held-out.
pub(crate) struct Resamplers {
    pub(crate) test: Resampler,
    held_out: Vec<(Regime, Resampler)>,
}

impl Resamplers {
    /// The draws of the trajectories of a system, of which `record` is any record.
    pub(super) fn of_system(record: Option<&CellRecord>) -> Self {
        let split = |split: Split| record.and_then(|record| record.splits.get(&split));
        let test = split(Split::Test).map(|test| test.index.len()).unwrap_or_default();
        let regimes = split(Split::HeldOut).map(|held_out| held_out.regimes.as_slice()).unwrap_or_default();
        let of_regime = |regime: Regime| {
            let count = regimes.iter().filter(|other| **other == regime).count();
            (count > 0).then(|| (regime, Resampler::new(count, SEED)))
        };
        Self { test: Resampler::new(test, SEED), held_out: Regime::ALL.into_iter().filter_map(of_regime).collect() }
    }

    /// The draws of the trajectories of a regime; none if there are none.
    pub(super) fn of(&self, regime: Regime) -> Option<&Resampler> {
        self.held_out.iter().find(|(other, _)| *other == regime).map(|(_, resampler)| resampler)
    }

    /// The regimes that have trajectories.
    pub(super) fn regimes(&self) -> impl Iterator<Item = Regime> {
        self.held_out.iter().map(|(regime, _)| *regime)
    }
}
