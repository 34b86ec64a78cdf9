//! What the encoders of a system cost: their size, and the time, throughput and peak memory of each phase.

use physrep_records::{CellRecord, Cost, EncoderFacts, PhaseCost};
use physrep_statistics::mean;

use super::{
    table::{Column, Entry, Line, Table, Value},
    wording::title,
};
use crate::leaderboard::{Leaderboard, Row, SystemLeaderboard};

/// A phase as the table shows it.
struct Phase {
    name: &'static str,
    cost: fn(&Cost) -> &PhaseCost,
}

/// Phases that share a table.
struct Part {
    title: &'static str,
    phases: [Phase; 2],
}

/// One table for each part fits a terminal; one table for both would not.
const PARTS: [Part; 2] = [
    Part {
        title: "cost of embeddings",
        phases: [
            Phase { name: "pretrain", cost: |cost| &cost.pretrain },
            Phase { name: "encode", cost: |cost| &cost.encode },
        ],
    },
    Part {
        title: "cost of estimates",
        phases: [
            Phase { name: "probe", cost: |cost| &cost.probe },
            Phase { name: "end to end", cost: |cost| &cost.end_to_end },
        ],
    },
];

/// A peak of memory, and its unit in the table.
struct Peak {
    unit: &'static str,
    mib: fn(&PhaseCost) -> Option<u64>,
}

const HOST_PEAK: Peak = Peak { unit: "MiB", mib: |cost| cost.peak_memory_mib };
const GPU_PEAK: Peak = Peak { unit: "GPU MiB", mib: |cost| cost.peak_device_memory_mib };

/// One table for each part, with a line for each encoder that has a record, averaged over seeds. Phases that no encoder went through are
/// left out.
pub(crate) fn tables(leaderboard: &Leaderboard<'_>, system: &SystemLeaderboard<'_>) -> Vec<Table> {
    let rows: Vec<&Row<'_>> =
        system.rows.iter().filter(|row| row.records.iter().any(|record| shape(record).is_some())).collect();
    let went_through = |phase: &&Phase| rows.iter().any(|row| average(row, phase, |cost| cost.seconds) > Some(0.0));
    let parts = PARTS.iter().map(|part| (part.title, part.phases.iter().filter(went_through).collect::<Vec<_>>()));
    parts
        .filter(|(_, phases)| !phases.is_empty())
        .map(|(part, phases)| table(title(leaderboard, system.name, part), &rows, &phases))
        .collect()
}

fn table(title: String, rows: &[&Row<'_>], phases: &[&Phase]) -> Table {
    let on_gpu = rows.iter().any(|row| phases.iter().any(|phase| peak(row, phase, &GPU_PEAK).is_some()));
    let (peaks, legend_of_gpu) = match on_gpu {
        true => (vec![HOST_PEAK, GPU_PEAK], " GPU MiB: of tensors and prefetched batches on the GPU."),
        false => (vec![HOST_PEAK], ""),
    };
    let mut columns = vec![Column::text("method"), Column::number("encoder weights"), Column::number("tokens x dim")];
    for phase in phases {
        let units = ["s", "clips/s"].into_iter().chain(peaks.iter().map(|peak| peak.unit));
        columns.extend(units.map(|unit| Column::number(format!("{} {unit}", phase.name))));
    }
    Table {
        title,
        legend: format!(
            "The mean over seeds. MiB: the peak memory in a phase, including what earlier phases left.{legend_of_gpu}"
        ),
        columns,
        lines: rows.iter().map(|row| Line::plain(entries(row, phases, &peaks))).collect(),
        notes: Vec::new(),
    }
}

fn entries(row: &Row<'_>, phases: &[&Phase], peaks: &[Peak]) -> Vec<Entry> {
    let size = encoder(row).map_or(Value::Missing, |encoder| Value::Count(encoder.encoder_parameters));
    let shape = row.records.iter().find_map(|record| shape(record)).map_or(Value::Missing, Value::Shape);
    let mut entries = vec![Entry::text(row.name()), size.into(), shape.into()];
    for phase in phases {
        let positive = |figure: fn(&PhaseCost) -> f64| average(row, phase, figure).filter(|&value| value > 0.0);
        let seconds = positive(|cost| cost.seconds);
        let rate = positive(|cost| cost.samples as f64).zip(seconds).map(|(samples, seconds)| samples / seconds);
        entries.extend([Entry::number(seconds, 1), Entry::number(rate, 0)]);
        entries.extend(peaks.iter().map(|of| Entry::number(peak(row, phase, of), 0)));
    }
    entries
}

fn encoder<'r>(row: &Row<'r>) -> Option<&'r EncoderFacts> {
    row.records.iter().find_map(|record| record.encoder.as_ref())
}

/// The tokens of an embedding and their dimensions; none for floors.
fn shape(record: &CellRecord) -> Option<[usize; 2]> {
    let encoder = record.encoder.as_ref().map(|encoder| [encoder.tokens, encoder.dim]);
    encoder.or_else(|| record.elsewhere.as_ref().map(|elsewhere| [elsewhere.tokens, elsewhere.dim]))
}

/// The mean over seeds of a peak of memory in a phase, where it is known.
fn peak(row: &Row<'_>, phase: &Phase, peak: &Peak) -> Option<f64> {
    let peaks = row.records.iter().filter_map(|record| (peak.mib)((phase.cost)(&record.cost)));
    mean(&peaks.map(|mib| mib as f64).collect::<Vec<_>>())
}

/// The mean over seeds of a figure of a phase.
fn average(row: &Row<'_>, phase: &Phase, figure: impl Fn(&PhaseCost) -> f64) -> Option<f64> {
    let figures: Vec<f64> = row.records.iter().map(|record| figure((phase.cost)(&record.cost))).collect();
    mean(&figures)
}
