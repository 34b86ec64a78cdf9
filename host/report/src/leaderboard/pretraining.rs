//! Whether pretraining helps: each pretrained encoder against the same one at its random initialisation.

use physrep_records::{Initialisation, Track};
use physrep_statistics::{Comparison, compare, holm, is_significant};

use super::{
    Leaderboard, SystemLeaderboard,
    estimate::{Estimate, errors},
    row::Row,
};

/// A pretrained encoder on a system, and the same one at its random initialisation.
#[derive(Clone, Debug)]
pub struct Pretraining<'s, 'a> {
    /// The system.
    pub system: &'a str,
    /// The pretrained row.
    pub row: &'s Row<'a>,
    /// Its error on test.
    pub pretrained: Estimate,
    /// The error at random initialisation.
    pub random: Estimate,
    /// The difference of the two errors, pretrained minus random initialisation.
    pub comparison: Comparison,
    /// The p-value of no difference, corrected by Holm's method for all comparisons by this probe, over methods and systems; none for
    /// fewer than two test trajectories.
    pub p: Option<f64>,
    /// Whether pretraining helps.
    pub verdict: Verdict,
}

/// Whether pretraining helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The error is significantly lower than at random initialisation.
    Yes,
    /// It is significantly higher.
    No,
    /// It is not significantly different.
    NotSignificant,
}

impl<'a> Leaderboard<'a> {
    /// Every pretrained encoder against its random initialisation by one probe: method by method, each on all systems.
    pub fn pretraining(&self, track: Track, probe: &str) -> Vec<Pretraining<'_, 'a>> {
        let of_system = |system| pairs(system, track, probe);
        let mut all: Vec<Pretraining<'_, 'a>> = self.systems.iter().flat_map(of_system).collect();
        let names: Vec<String> = all.iter().map(|pair| pair.row.name()).collect();
        all.sort_by_cached_key(|pair| names.iter().position(|name| *name == pair.row.name()));
        let family = holm(&all.iter().map(|pair| pair.comparison.p()).collect::<Vec<_>>());
        for (pair, p) in all.iter_mut().zip(family) {
            (pair.p, pair.verdict) = (p, verdict(p, pair.comparison.difference));
        }
        all
    }
}

/// The comparisons on one system, not yet corrected.
fn pairs<'s, 'a>(system: &'s SystemLeaderboard<'a>, track: Track, probe: &str) -> Vec<Pretraining<'s, 'a>> {
    let of = |row: &'s Row<'a>| {
        let (method, _) = row.keys().find(|(_, initialisation)| initialisation.is_pretrained())?;
        let random = system.rows.iter().find(|other| other.is((method, Initialisation::Random)))?;
        let errors = |row: &Row<'_>| errors(&row.records, track, probe, 1.0);
        Some(Pretraining {
            system: system.name,
            row,
            pretrained: row.score(track, probe)?.test,
            random: random.score(track, probe)?.test,
            comparison: compare(&errors(row), &errors(random), &system.resamplers.test)?,
            p: None,
            verdict: Verdict::NotSignificant,
        })
    };
    system.rows.iter().filter_map(of).collect()
}

fn verdict(p: Option<f64>, difference: f64) -> Verdict {
    match p {
        Some(p) if is_significant(p) && difference < 0.0 => Verdict::Yes,
        Some(p) if is_significant(p) => Verdict::No,
        _ => Verdict::NotSignificant,
    }
}
