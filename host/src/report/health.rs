//! Whether the numbers can be trusted.

use maud::{Markup, html};

use super::{
    rows::spaced,
    table::{Column, Entry, Notes, Table, fixed},
};
use crate::{
    board::System,
    result::{CellResult, Health},
};

/// One line a cell with embeddings; none if there are none.
pub(super) fn table(system: &System<'_>) -> Option<Markup> {
    let columns = [
        ("effective rank", true),
        ("constant", true),
        ("deviation", true),
        ("its range", false),
        ("gradient norm", false),
        ("silent", true),
        ("unchanged", false),
        ("R² of shuffled labels", false),
    ];
    let several = system.rows.iter().any(|row| row.results.len() > 1);
    let line = |name: String, result: &CellResult, health: &Health| {
        let spread = &health.spread;
        let gradient = health.gradient.as_ref();
        let mut entries =
            vec![Entry::text(if several { format!("{name}, seed {}", result.identity.seed) } else { name })];
        entries.extend([
            Entry {
                content: html! { (fixed(spread.effective_rank, 1)) " of " (spread.dimensions) },
                value: Some(spread.effective_rank),
            },
            Entry::number(Some(spread.constant_dimensions as f64), 0),
            Entry { content: html! { (significant(spread.median_deviation)) }, value: Some(spread.median_deviation) },
            range(Some(spread.smallest_deviation), Some(spread.largest_deviation)),
            range(gradient.map(|flow| flow.smallest_norm), gradient.map(|flow| flow.largest_norm)),
            Entry::number(gradient.map(|flow| flow.silent as f64), 0),
            Entry::text(health.encoder_unchanged.map_or("–", |same| if same { "yes" } else { "no" })),
            range(health.control.low, health.control.high),
        ]);
        entries
    };
    let mut rows = Vec::new();
    for row in &system.rows {
        rows.extend(row.results.iter().filter_map(|result| Some(line(row.name(), result, result.health.as_ref()?))));
    }
    let columns = columns.map(|(name, numeric)| Column { name: name.into(), numeric });
    let columns = std::iter::once(Column::text("Method")).chain(columns).collect();
    let caption =
        html! { (spaced(system.name)) ": embeddings of train, gradients of the first steps, and the control." };
    let id = format!("health-{}", system.name);
    (!rows.is_empty()).then(|| Table { id, caption, columns, rows, notes: Notes::default(), rule: None }.render())
}

/// How to read the table.
pub(super) fn legend() -> Markup {
    html! {
        dl {
            dt { "Effective rank" }
            dd { "The exponential of the entropy of the singular values of the centred, mean-pooled embeddings (Roy and Vetterli 2007): \
                  how many of their dimensions they fill. Below 2 they have collapsed. Constant: dimensions that do not vary." }
            dt { "Deviation, its range" }
            dd { "The standard deviation of a dimension over windows: the median dimension, and from the smallest to the largest." }
            dt { "Gradient norm, silent" }
            dd { "The Euclidean norm over all trained parameters in the first ten steps, and the trained tensors that no gradient reached." }
            dt { "Unchanged" }
            dd { "Whether the checksum of the encoder's weights was the same before and after probing." }
            dt { "R² of shuffled labels" }
            dd { "What ridge regression reads on test when labels are shuffled among trajectories, from the lowest to the highest of the \
                  shuffles. There is nothing to read, so that the range should contain 0." }
        }
    }
}

/// From one number to another, or a dash.
fn range(low: Option<f64>, high: Option<f64>) -> Entry {
    Entry::text(match low.zip(high) {
        Some((low, high)) => format!("{} to {}", significant(low), significant(high)),
        None => "–".into(),
    })
}

/// Two significant digits.
fn significant(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        value if (1e-3..1e4).contains(&value.abs()) => {
            fixed(value, (1 - value.abs().log10().floor() as i32).max(0) as usize)
        }
        value => format!("{value:.1e}").replace('-', "−"),
    }
}
