//! What a reader must know of a row: failures, and what casts doubt on its scores.

use std::fmt;

use physrep_records::{CellOutcome, CellRecord, Health, Initialisation, RunCell, Track};

/// A remark on a row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The cell of a seed failed.
    Failed {
        /// The seed.
        seed: u64,
        /// Why, in one sentence.
        reason: String,
    },
    /// The cell of a seed was not run, or not to its end.
    NotRun {
        /// The seed.
        seed: u64,
    },
    /// The row has one seed where others have several, so that its interval is of another kind.
    SingleSeed,
    /// The embeddings lie on a line or a point.
    Collapsed {
        /// The seeds whose embeddings collapsed.
        seeds: Seeds,
    },
    /// The range of R2 of the label permutation test does not contain 0.
    LabelPermutation {
        /// The seeds whose range does not.
        seeds: Seeds,
    },
    /// Some trained tensors received no gradient.
    NoGradient {
        /// The seeds with such tensors.
        seeds: Seeds,
    },
    /// Encoding the same batch twice gave different embeddings.
    NotRepeatable {
        /// The seeds where it did.
        seeds: Seeds,
    },
    /// The encoder has no parameters that could be compared before and after encoding.
    NoParameters,
    /// The seeds were run with different builds of the plugin.
    DifferentBuilds,
    /// The seeds were run on data with different checksums.
    DifferentData,
    /// The method is a program in another process.
    AnotherProcess {
        /// How it was started.
        command: String,
    },
    /// The suite has end-to-end training and the method has none.
    NoEndToEnd,
    /// The embeddings were made elsewhere.
    Elsewhere {
        /// What their author says of them.
        about: Option<String>,
    },
}

/// The seeds of a row that a note is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// All that have a record.
    Every,
    /// These, ascending as in the run.
    Only(Vec<u64>),
}

impl Note {
    /// Whether it says that a cell has no record.
    pub fn is_missing_cell(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::NotRun { .. })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { seed, reason } => write!(f, "seed {seed} failed: {reason}"),
            Self::NotRun { seed } => write!(f, "seed {seed} was not run"),
            Self::SingleSeed => f.write_str("one seed only: its interval is over test trajectories"),
            Self::Collapsed { seeds } => write!(f, "embeddings collapsed: their effective rank is below 2 ({seeds})"),
            Self::LabelPermutation { seeds } => {
                write!(f, "label permutation test: the range of R2 on test does not contain 0 ({seeds})")
            }
            Self::NoGradient { seeds } => {
                write!(f, "some tensors received no gradient in the first steps ({seeds})")
            }
            Self::NotRepeatable { seeds } => {
                write!(f, "encoding the same clips twice gives different embeddings ({seeds})")
            }
            Self::NoParameters => {
                f.write_str("its encoder shows no parameters, so that nothing confirms that encoding left it as it was")
            }
            Self::DifferentBuilds => f.write_str("seeds were run with different builds of the plugin"),
            Self::DifferentData => f.write_str("seeds were run on packed data with different checksums"),
            Self::AnotherProcess { command } => write!(f, "a method in another process, started by `{command}`"),
            Self::Elsewhere { about } => {
                let about = about.as_ref().map(|about| format!(": {about}")).unwrap_or_default();
                write!(
                    f,
                    "embeddings made elsewhere, outside the suite's budget, and therefore neither ranked nor compared{about}"
                )
            }
            Self::NoEndToEnd => f.write_str("no end-to-end training: its method.toml does not say `finetune = true`"),
        }
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("every seed"),
            Self::Only(seeds) => {
                let list: Vec<String> = seeds.iter().map(u64::to_string).collect();
                write!(f, "seed{} {}", if seeds.len() == 1 { "" } else { "s" }, list.join(", "))
            }
        }
    }
}

/// The notes on the row of `cells`, whose records are `records`.
pub(super) fn notes<'r>(cells: &[&RunCell], records: &[&'r CellRecord]) -> Vec<Note> {
    let missing = cells.iter().filter_map(|cell| {
        let seed = cell.identity.seed;
        match &cell.outcome {
            CellOutcome::Done(_) => None,
            CellOutcome::Failed(reason) => Some(Note::Failed { seed, reason: reason.clone() }),
            CellOutcome::Missing => Some(Note::NotRun { seed }),
        }
    });
    let mut notes: Vec<Note> = missing.collect();
    let unhealthy = |test: &dyn Fn(&Health) -> bool| seeds(records, |record| record.health.as_ref().is_some_and(test));
    let silent = |health: &Health| health.gradient.as_ref().is_some_and(|flow| flow.tensors_without_gradient > 0);
    notes.extend(unhealthy(&|health| health.spread.collapsed()).map(|seeds| Note::Collapsed { seeds }));
    notes.extend(
        unhealthy(&|health| !health.label_permutation.contains_zero()).map(|seeds| Note::LabelPermutation { seeds }),
    );
    let unsteady = |health: &Health| health.encoding.is_some_and(|check| !check.repeatable);
    notes.extend(unhealthy(&unsteady).map(|seeds| Note::NotRepeatable { seeds }));
    notes.extend(unhealthy(&silent).map(|seeds| Note::NoGradient { seeds }));
    let bare = |record: &&CellRecord| record.encoder.as_ref().is_some_and(|encoder| encoder.encoder_parameters == 0);
    notes.extend(records.iter().any(bare).then_some(Note::NoParameters));
    notes.extend(
        differ(records, |record| record.encoder.as_ref().map(|e| &e.plugin_checksum)).then_some(Note::DifferentBuilds),
    );
    notes.extend(differ(records, |record| &record.environment.data_checksum).then_some(Note::DifferentData));
    if cells.iter().any(|cell| cell.identity.initialisation == Initialisation::Elsewhere) {
        let about = records.iter().find_map(|record| record.elsewhere.as_ref()?.about.clone());
        notes.push(Note::Elsewhere { about });
    }
    let program = |record: &&'r CellRecord| Some((*record, record.encoder.as_ref()?.program.as_ref()?));
    if let Some((record, program)) = records.iter().find_map(program) {
        notes.push(Note::AnotherProcess { command: program.command.clone() });
        notes.extend(lacks_end_to_end(record).then_some(Note::NoEndToEnd));
    }
    notes
}

/// The seeds whose records pass a test; none if none do.
fn seeds(records: &[&CellRecord], test: impl Fn(&CellRecord) -> bool) -> Option<Seeds> {
    let seeds: Vec<u64> = records.iter().filter(|record| test(record)).map(|record| record.identity.seed).collect();
    match seeds.len() {
        0 => None,
        n if n == records.len() => Some(Seeds::Every),
        _ => Some(Seeds::Only(seeds)),
    }
}

fn differ<'r, T: PartialEq>(records: &[&'r CellRecord], property: impl Fn(&'r CellRecord) -> T) -> bool {
    records.windows(2).any(|pair| property(pair[0]) != property(pair[1]))
}

/// Whether the suite trains the encoder of `record` end to end, and the record has no score of it.
fn lacks_end_to_end(record: &CellRecord) -> bool {
    let methods = &record.recipe.suite["finetune"]["methods"];
    let included = methods.as_array().is_none_or(|names| names.iter().any(|name| *name == record.identity.method));
    record.recipe.suite["finetune"].is_object()
        && included
        && record.scores.iter().all(|score| score.track != Track::EndToEnd)
}
