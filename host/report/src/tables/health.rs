//! Whether the scores of a system can be trusted: one line per row with embeddings.

use physrep_records::Health;
use physrep_statistics::{GradientFlow, mean};

use super::{
    lines::ruled,
    table::{Column, Entry, Line, Table, Value},
    wording::title,
};
use crate::leaderboard::{Leaderboard, SystemLeaderboard};

const LEGEND: &str = "Of the embeddings of train: effective rank and standard deviation of dimensions. Of the first ten steps of \
                      pretraining: the gradient norm, and the tensors that received no gradient. Label permutation: R2 of the ridge probe \
                      on test when labels are permuted among trajectories, which should span 0. Tuning trials: how often valid was looked at \
                      to choose the configuration; none if it was never tuned by the budget that is the same for all.";

/// The table; none if no row has embeddings.
pub(crate) fn table(leaderboard: &Leaderboard<'_>, system: &SystemLeaderboard<'_>) -> Option<Table> {
    let mut columns = vec![Column::text("method")];
    columns.extend(
        [
            "effective rank",
            "std of dimensions",
            "constant dimensions",
            "gradient norm",
            "tensors without gradient",
            "label permutation R2",
            "tuning trials",
        ]
        .map(Column::number),
    );
    let mut lines = Vec::new();
    for (row, ruled) in ruled(system) {
        let healths: Vec<&Health> = row.records.iter().filter_map(|record| record.health.as_ref()).collect();
        if let Some(mut entries) = entries(row.name(), &healths) {
            let trials = row.records.iter().find_map(|record| record.recipe.tuning_trials);
            entries.push(trials.map_or(Value::Missing, Value::Count).into());
            lines.push(Line { entries, ruled });
        }
    }
    let title = title(leaderboard, system.name, "health");
    (!lines.is_empty()).then(|| Table { title, legend: LEGEND.into(), columns, lines, notes: Vec::new() })
}

/// The entries of a row from what its seeds recorded; none without embeddings.
fn entries(name: String, healths: &[&Health]) -> Option<Vec<Entry>> {
    let spreads = || healths.iter().map(|health| &health.spread);
    let flows = || healths.iter().filter_map(|health| health.gradient.as_ref());
    let permutations = || healths.iter().map(|health| &health.label_permutation);
    let ranks: Vec<f64> = spreads().map(|spread| spread.effective_rank).collect();
    let effective_rank = Value::OutOf { value: mean(&ranks)?, total: healths.first()?.spread.dimensions };
    let without_gradient = |flow: &GradientFlow| flow.tensors_without_gradient as f64;
    Some(vec![
        Entry::text(name),
        effective_rank.into(),
        Entry::range(smallest(spreads().map(|s| s.smallest_std)), largest(spreads().map(|s| s.largest_std))),
        Entry::number(largest(spreads().map(|spread| spread.constant_dimensions as f64)), 0),
        Entry::range(smallest(flows().map(|flow| flow.smallest_norm)), largest(flows().map(|flow| flow.largest_norm))),
        Entry::number(largest(flows().map(without_gradient)), 0),
        Entry::range(smallest(permutations().filter_map(|p| p.low)), largest(permutations().filter_map(|p| p.high))),
    ])
}

fn smallest(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.reduce(f64::min)
}

fn largest(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.reduce(f64::max)
}
