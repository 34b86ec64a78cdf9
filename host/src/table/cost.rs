//! What the encoders of a system cost: size, time and memory of each phase.

use comfy_table::{Cell as TableCell, CellAlignment, ContentArrangement, Table, TableStyle};

use super::{mean, name, same_row};
use crate::{
    cell::{Cell, Outcome},
    result::CellResult,
};

const HEADER: [&str; 9] = [
    "method",
    "encoder parameters",
    "tokens x dim",
    "pretrain s",
    "clips/s",
    "encode s",
    "clips/s",
    "probe s",
    "peak MiB",
];

/// One row for each encoder with a result, averaged over seeds; nothing if there is none.
pub(super) fn table(style: TableStyle, cells: &[&(&Cell, Outcome)]) -> Option<String> {
    let mut table = Table::new();
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
    let end_to_end = cells.iter().any(|(cell, _)| cell.suite.finetune.is_some());
    table.set_header(HEADER.into_iter().chain(["end to end s"].into_iter().filter(|_| end_to_end)));
    for group in cells.chunk_by(|a, b| same_row(a.0, b.0)) {
        let results: Vec<&CellResult> = group.iter().filter_map(|(_, outcome)| outcome.result()).collect();
        let Some(encoder) = results.first().and_then(|result| result.encoder.as_ref()) else { continue };
        let over_seeds = |of: fn(&CellResult) -> f64| mean(results.iter().map(|result| of(result))).unwrap_or_default();
        let rate = |samples: fn(&CellResult) -> f64, seconds: fn(&CellResult) -> f64| {
            let (samples, seconds) = (over_seeds(samples), over_seeds(seconds));
            if samples > 0.0 && seconds > 0.0 { format!("{:.0}", samples / seconds) } else { "-".to_owned() }
        };
        let seconds = |of: fn(&CellResult) -> f64| match over_seeds(of) {
            0.0 => "-".to_owned(),
            seconds => format!("{seconds:.1}"),
        };
        let mut line = vec![
            encoder.encoder_parameters.to_string(),
            format!("{} x {}", encoder.tokens, encoder.dim),
            seconds(|r| r.cost.pretrain_seconds),
            rate(|r| r.cost.pretrain_samples as f64, |r| r.cost.pretrain_seconds),
            seconds(|r| r.cost.encode_seconds),
            rate(|r| r.cost.encode_samples as f64, |r| r.cost.encode_seconds),
            seconds(|r| r.cost.probe_seconds),
            format!("{:.0}", over_seeds(|r| r.cost.peak_memory_mib as f64)),
        ];
        line.extend(end_to_end.then(|| seconds(|r| r.cost.finetune_seconds)));
        let numbers = line.into_iter().map(|text| TableCell::new(text).set_alignment(CellAlignment::Right));
        table.add_row([TableCell::new(name(group[0].0))].into_iter().chain(numbers));
    }
    (table.row_count() > 0).then(|| table.to_string())
}
