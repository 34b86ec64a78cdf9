//! What the encoders of a system cost: their size, and the time, throughput and peak memory of each phase.

use super::{
    grid::{Entry, Grid, Line},
    title,
};
use crate::{
    board::{Board, Row, System},
    result::{Cost, PhaseCost},
    statistics::mean,
};

/// A phase as the table shows it.
struct Phase {
    name: &'static str,
    of: fn(&Cost) -> &PhaseCost,
}

/// Phases that stand in one table.
struct Part {
    title: &'static str,
    phases: [Phase; 2],
}

/// A table for either part fits a terminal, one for both would not.
const PARTS: [Part; 2] = [
    Part {
        title: "cost of embeddings",
        phases: [
            Phase { name: "pretrain", of: |cost| &cost.pretrain },
            Phase { name: "encode", of: |cost| &cost.encode },
        ],
    },
    Part {
        title: "cost of reading them",
        phases: [
            Phase { name: "probe", of: |cost| &cost.probe },
            Phase { name: "end to end", of: |cost| &cost.finetune },
        ],
    },
];

/// The peaks of memory in a phase, with their units in the table.
const PEAKS: [(&str, Peak); 2] = [("MiB", |cost| cost.peak_memory_mib), ("card MiB", PEAK_ON_CARD)];
const PEAK_ON_CARD: Peak = |cost| cost.peak_card_memory_mib;

type Peak = fn(&PhaseCost) -> Option<u64>;

/// Two tables with a line for each encoder with a result, averaged over seeds; nothing if there is none. Phases that none went
/// through are left out.
pub(crate) fn tables(board: &Board<'_>, system: &System<'_>) -> Vec<Grid> {
    let rows: Vec<&Row<'_>> =
        system.rows.iter().filter(|row| row.results.iter().any(|result| result.encoder.is_some())).collect();
    let went_through = |phase: &&Phase| rows.iter().any(|row| average(row, phase, |cost| cost.seconds) > Some(0.0));
    let mut tables = Vec::new();
    for part in &PARTS {
        let phases: Vec<&Phase> = part.phases.iter().filter(went_through).collect();
        if phases.is_empty() {
            continue;
        }
        let mut columns = ["method", "encoder weights", "tokens x dim"].map(String::from).to_vec();
        let on_card = |row: &&Row<'_>| phases.iter().any(|phase| peak(row, phase, PEAK_ON_CARD).is_some());
        let (peaks, of_card) = match rows.iter().any(on_card) {
            true => (&PEAKS[..], " Card MiB: by tensors and batches on the card."),
            false => (&PEAKS[..1], ""),
        };
        for phase in &phases {
            let units = ["s", "clips/s"].into_iter().chain(peaks.iter().map(|(unit, _)| *unit));
            columns.extend(units.map(|unit| format!("{} {unit}", phase.name)));
        }
        let line = |row: &&Row<'_>| Line { entries: entries(row, &phases, peaks), ruled: false };
        tables.push(Grid {
            title: title(board, system.name, part.title),
            legend: format!(
                "The mean over seeds; MiB: the most memory held in a phase, what earlier phases left included.{of_card}"
            ),
            columns,
            words: 1,
            rows: rows.iter().map(line).collect(),
            notes: Vec::new(),
        });
    }
    tables
}

fn entries(row: &Row<'_>, phases: &[&Phase], peaks: &[(&str, Peak)]) -> Vec<Entry> {
    let encoder = row.results.iter().find_map(|result| result.encoder.as_ref());
    let mut entries = vec![Entry::plain(row.name())];
    entries.push(Entry::plain(encoder.map(|encoder| encoder.encoder_parameters.to_string()).unwrap_or_default()));
    entries
        .push(Entry::plain(encoder.map(|encoder| format!("{} x {}", encoder.tokens, encoder.dim)).unwrap_or_default()));
    for phase in phases {
        let positive = |figure: fn(&PhaseCost) -> f64| average(row, phase, figure).filter(|&value| value > 0.0);
        let seconds = positive(|cost| cost.seconds);
        let rate = positive(|cost| cost.samples as f64).zip(seconds).map(|(samples, seconds)| samples / seconds);
        entries.extend([Entry::number(seconds, 1), Entry::number(rate, 0)]);
        entries.extend(peaks.iter().map(|(_, of)| Entry::number(peak(row, phase, *of), 0)));
    }
    entries
}

/// The mean over seeds of a peak of memory in a phase, where it is known.
fn peak(row: &Row<'_>, phase: &Phase, of: Peak) -> Option<f64> {
    let peaks = row.results.iter().filter_map(|result| of((phase.of)(&result.cost)));
    mean(&peaks.map(|mib| mib as f64).collect::<Vec<_>>())
}

/// The mean over seeds of a figure of a phase.
fn average(row: &Row<'_>, phase: &Phase, figure: impl Fn(&PhaseCost) -> f64) -> Option<f64> {
    let figures: Vec<f64> = row.results.iter().map(|result| figure((phase.of)(&result.cost))).collect();
    mean(&figures)
}
