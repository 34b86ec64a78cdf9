//! A line of the page: one encoder of one published run, on one system, by one probe.

use std::path::Path;

use physrep_records::{CellRecord, Initialisation, SuiteFacts, Track};
use serde_json::Value;

use crate::leaderboard::{Estimate, Leaderboard, Row, RowScore};

/// A line of the page.
#[derive(Clone)]
pub(super) struct Entry {
    pub suite: SuiteFacts,
    pub system: String,
    pub track: Track,
    pub probe: String,
    /// The row's name, such as `jepa (random init)`.
    pub name: String,
    pub kind: Kind,
    /// The error on the draw of published results; none for a row that was only run on a fresh one.
    pub error: Option<Estimate>,
    /// The draw and the error of the same method with the same configuration on fresh trajectories.
    pub fresh: Option<(u64, Estimate)>,
    pub seeds: usize,
    /// The clips of its pretraining, counted with repetition; none without pretraining.
    pub clips: Option<u64>,
    /// The random trials that chose its configuration; none if it was not chosen by the trials that are the same for all.
    pub trials: Option<u64>,
    /// The folder of its run.
    pub folder: String,
    /// The path of its report, from the page, if it is there.
    pub report: Option<String>,
    /// The path of the page of its method, from the page, if it is there.
    pub card: Option<String>,
    config: Value,
}

/// Where an encoder ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Library,
    Process,
    Elsewhere,
    Floor,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Library, Self::Process, Self::Elsewhere, Self::Floor];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Library => "method",
            Self::Process => "method in another process",
            Self::Elsewhere => "embeddings made elsewhere",
            Self::Floor => "floor",
        }
    }

    fn of(row: &Row<'_>, record: &CellRecord) -> Self {
        match row.identity.initialisation {
            Initialisation::Elsewhere => Self::Elsewhere,
            Initialisation::None => Self::Floor,
            _ if record.encoder.as_ref().is_some_and(|encoder| encoder.program.is_some()) => Self::Process,
            _ => Self::Library,
        }
    }
}

impl Entry {
    fn of(suite: &SuiteFacts, system: &str, row: &Row<'_>, score: &RowScore) -> Option<Self> {
        let record = *row.records.first()?;
        let fresh = suite.draw != 0;
        let pretrained = matches!(row.identity.initialisation, Initialisation::Pretrained | Initialisation::Joint);
        Some(Self {
            suite: suite.clone(),
            system: system.to_owned(),
            track: score.track,
            probe: score.probe.clone(),
            name: row.name(),
            kind: Kind::of(row, record),
            error: (!fresh).then_some(score.test),
            fresh: fresh.then_some((suite.draw, score.test)),
            seeds: row.records.len(),
            clips: record.recipe.suite["pretrain"]["samples"].as_u64().filter(|_| pretrained),
            trials: record.recipe.tuning_trials,
            folder: String::new(),
            report: None,
            card: None,
            config: record.recipe.config.clone(),
        })
    }

    /// Whether `other` has the same method with the same configuration in the same place of the same suite.
    fn is_as(&self, other: &Self) -> bool {
        let place = |entry: &Self| {
            let suite = (entry.suite.name.clone(), entry.suite.version);
            (suite, entry.system.clone(), entry.track, entry.probe.clone(), entry.name.clone())
        };
        place(self) == place(other) && self.config == other.config
    }
}

/// The lines of the run in `folder`, which is in `results`.
pub(super) fn of(leaderboard: &Leaderboard<'_>, folder: &str, results: &Path) -> Vec<Entry> {
    let there = |path: String| results.join(&path).is_file().then_some(path);
    let card = |row: &Row<'_>| {
        let method = &row.identity.method;
        match row.identity.initialisation {
            Initialisation::None => there(format!("../docs/{method}.md")),
            _ => there(format!("{folder}/methods/{method}.md"))
                .or_else(|| there(format!("../plugins/{method}/README.md"))),
        }
    };
    let mut entries = Vec::new();
    for system in &leaderboard.systems {
        for (row, score) in system.rows.iter().flat_map(|row| row.scores.iter().map(move |score| (row, score))) {
            let entry = Entry::of(leaderboard.suite, system.name, row, score);
            entries.extend(entry.map(|entry| Entry {
                folder: folder.to_owned(),
                report: there(format!("{folder}/report/report.html")),
                card: card(row),
                ..entry
            }));
        }
    }
    entries
}

/// Joins the lines of fresh draws with those of the same rows on the draw of published results; the lowest error comes first.
pub(super) fn with_fresh_draws(entries: Vec<Entry>) -> Vec<Entry> {
    let (fresh, mut published): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.error.is_none());
    for entry in fresh {
        let mut same = published.iter_mut().filter(|known| known.is_as(&entry)).peekable();
        match same.peek().is_some() {
            true => same.for_each(|known| known.fresh = entry.fresh),
            false => published.push(entry),
        }
    }
    let error = |entry: &Entry| entry.error.map_or(f64::INFINITY, |error| error.mse);
    published.sort_by(|a, b| error(a).total_cmp(&error(b)));
    published
}
