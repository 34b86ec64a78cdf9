//! Whether the numbers of a system can be trusted.

use super::{
    grid::{Entry, Grid, Line},
    scores::ruled,
    title,
};
use crate::{
    board::{Board, System},
    result::{CellResult, Health},
    statistics::mean,
};

/// One line a row with embeddings; none if there are none.
pub(crate) fn table(board: &Board<'_>, system: &System<'_>) -> Option<Grid> {
    let columns = [
        "method",
        "effective rank",
        "deviation of dimensions",
        "constant dimensions",
        "gradient norm",
        "silent tensors",
        "R2 of shuffled labels",
    ];
    let mut rows = Vec::new();
    for (row, ruled) in ruled(system) {
        let healths: Vec<&Health> =
            row.results.iter().filter_map(|result: &&CellResult| result.health.as_ref()).collect();
        if healths.is_empty() {
            continue;
        }
        let over = |figure: &dyn Fn(&Health) -> Option<f64>| -> Vec<f64> {
            healths.iter().filter_map(|health| figure(health)).collect()
        };
        let average = |figure: &dyn Fn(&Health) -> Option<f64>| mean(&over(figure));
        let smallest = |figure: &dyn Fn(&Health) -> Option<f64>| over(figure).into_iter().reduce(f64::min);
        let largest = |figure: &dyn Fn(&Health) -> Option<f64>| over(figure).into_iter().reduce(f64::max);
        let gradient = |figure: fn(&crate::health::GradientFlow) -> f64| {
            move |health: &Health| health.gradient.as_ref().map(figure)
        };
        let entries = vec![
            Entry::plain(row.name()),
            Entry::plain(format!(
                "{:.1} of {}",
                average(&|health| Some(health.spread.effective_rank)).unwrap_or_default(),
                healths[0].spread.dimensions
            )),
            range(
                smallest(&|health| Some(health.spread.smallest_deviation)),
                largest(&|health| Some(health.spread.largest_deviation)),
            ),
            Entry::number(largest(&|health| Some(health.spread.constant_dimensions as f64)), 0),
            range(smallest(&gradient(|flow| flow.smallest_norm)), largest(&gradient(|flow| flow.largest_norm))),
            Entry::number(largest(&gradient(|flow| flow.silent as f64)), 0),
            range(smallest(&|health| health.control.low), largest(&|health| health.control.high)),
        ];
        rows.push(Line { entries, ruled });
    }
    let title = title(board, system.name, "health");
    let legend = "Of embeddings of train; of the gradient in the first ten steps, silent: tensors that it never reached; and of the ridge \
                  probe when labels are shuffled, whose R2 should span 0."
        .to_owned();
    let columns = columns.map(String::from).to_vec();
    (!rows.is_empty()).then(|| Grid { title, legend, columns, words: 1, rows, notes: Vec::new() })
}

/// From one number to another, or a dash.
fn range(low: Option<f64>, high: Option<f64>) -> Entry {
    Entry::plain(match low.zip(high) {
        Some((low, high)) => format!("{} to {}", significant(low), significant(high)),
        None => "-".into(),
    })
}

/// Two significant digits.
fn significant(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        value if (1e-3..1e4).contains(&value.abs()) => {
            let decimals = (1 - value.abs().log10().floor() as i32).max(0) as usize;
            format!("{value:.decimals$}")
        }
        value => format!("{value:.1e}"),
    }
}
