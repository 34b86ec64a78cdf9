//! What the encoders of a system cost: their size, and the time, throughput and peak memory of each phase.

use comfy_table::{Cell as TableCell, CellAlignment};

use super::{Form, mean, name, same_row};
use crate::{
    cell::{Cell, Outcome},
    result::{CellResult, Cost, EncoderFacts, PhaseCost},
};

/// A phase as the table shows it.
struct Phase {
    name: &'static str,
    of: fn(&Cost) -> &PhaseCost,
    /// Whether its throughput is shown, too.
    rate: bool,
}

const PHASES: [Phase; 4] = [
    Phase { name: "pretrain", of: |cost| &cost.pretrain, rate: true },
    Phase { name: "encode", of: |cost| &cost.encode, rate: true },
    Phase { name: "probe", of: |cost| &cost.probe, rate: false },
    Phase { name: "end to end", of: |cost| &cost.finetune, rate: false },
];

/// One row for each encoder with a result, averaged over seeds; nothing if there is none. Phases that none went through are
/// left out.
pub(super) fn table(form: Form, cells: &[&(&Cell, Outcome)]) -> Option<String> {
    let rows: Vec<Row<'_>> = cells.chunk_by(|a, b| same_row(a.0, b.0)).filter_map(Row::of).collect();
    let went_through = |phase: &&Phase| rows.iter().any(|row| row.mean(phase, |cost| cost.seconds) > Some(0.0));
    let phases: Vec<&Phase> = PHASES.iter().filter(went_through).collect();
    let mut table = form.table();
    let mut header = ["method", "encoder weights", "tokens x dim"].map(String::from).to_vec();
    header.extend(phases.iter().flat_map(|phase| phase.columns()));
    table.set_header(header.iter().map(|name| form.broken(name)));
    for row in &rows {
        let mut line = vec![row.encoder.encoder_parameters.to_string()];
        line.push(format!("{} x {}", row.encoder.tokens, row.encoder.dim));
        line.extend(phases.iter().flat_map(|phase| row.numbers(phase)));
        let numbers = line.into_iter().map(|text| TableCell::new(text).set_alignment(CellAlignment::Right));
        table.add_row([TableCell::new(&row.method)].into_iter().chain(numbers));
    }
    (table.row_count() > 0).then(|| table.to_string())
}

impl Phase {
    /// The names of its columns.
    fn columns(&self) -> Vec<String> {
        let rate = self.rate.then_some("clips/s");
        [Some("s"), rate, Some("MiB")].into_iter().flatten().map(|unit| format!("{} {unit}", self.name)).collect()
    }
}

/// The results of one encoder, which differ in their seeds.
struct Row<'a> {
    method: String,
    encoder: &'a EncoderFacts,
    results: Vec<&'a CellResult>,
}

impl<'a> Row<'a> {
    /// The row of cells that differ in their seeds, if one has a result and an encoder.
    fn of(cells: &[&'a (&Cell, Outcome)]) -> Option<Self> {
        let results: Vec<&CellResult> = cells.iter().filter_map(|(_, outcome)| outcome.result()).collect();
        let encoder = results.first()?.encoder.as_ref()?;
        Some(Self { method: name(cells[0].0), encoder, results })
    }

    /// The mean over seeds of a figure of a phase.
    fn mean(&self, phase: &Phase, figure: impl Fn(&PhaseCost) -> f64) -> Option<f64> {
        mean(self.results.iter().map(|result| figure((phase.of)(&result.cost))))
    }

    /// What stands in the columns of a phase; a dash for what there is not, or is not known.
    fn numbers(&self, phase: &Phase) -> Vec<String> {
        let positive = |figure: fn(&PhaseCost) -> f64| self.mean(phase, figure).filter(|&value| value > 0.0);
        let seconds = positive(|cost| cost.seconds);
        let rate = positive(|cost| cost.samples as f64).zip(seconds).map(|(samples, seconds)| samples / seconds);
        let peaks = self.results.iter().filter_map(|result| (phase.of)(&result.cost).peak_memory_mib);
        let mut numbers = vec![text(seconds, 1)];
        numbers.extend(phase.rate.then(|| text(rate, 0)));
        numbers.push(text(mean(peaks.map(|mib| mib as f64)), 0));
        numbers
    }
}

/// A number with so many decimals, or a dash.
fn text(value: Option<f64>, decimals: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use physrep_benchmarks::suite::Suite;
    use serde_json::json;

    use super::*;
    use crate::{cell::Initialisation, device::Device};

    /// A cell of suite `tiny` whose method has a name of `letters` letters, and its result, with phases of which only some
    /// peaks of memory are known.
    fn cell(letters: usize, initialisation: Initialisation, peak: Option<u64>) -> (Cell, Outcome) {
        let method = "m".repeat(letters);
        let cell = json!({
            "suite": Suite::load("tiny").expect("a suite"),
            "data": { "system": "shear_flow", "path": "", "checksum": "" },
            "encoder": {
                "kind": "plugin", "name": method, "library": "", "checksum": "", "config": null,
                "initialisation": initialisation,
            },
            "seed": 0,
        });
        let phase = |samples: u64, seconds: f64| {
            json!({
                "samples": samples, "seconds": seconds, "peak_memory_mib": peak,
            })
        };
        let result = json!({
            "schema": 3, "key": "", "suite": "tiny", "suite_version": 2, "system": "shear_flow", "method": method,
            "initialisation": initialisation, "seed": 0, "parameters": [], "scores": [], "chosen": {},
            "encoder": {
                "encoder_parameters": 1234567, "method_parameters": 0, "tokens": 1568, "dim": 384, "checksum": "",
                "plugin_checksum": "",
            },
            "environment": crate::environment::Environment::now("", Device::Cpu),
            "cost": {
                "pretrain": phase(2048, 12345.6), "encode": phase(1000, 123.4), "probe": phase(1000, 12.34),
                "finetune": phase(2048, 23456.7), "peak_memory_mib": peak,
            },
        });
        let cell = serde_json::from_value(cell).expect("a cell");
        let result = serde_json::from_value(result).expect("a result");
        (cell, Outcome::Done(Box::new(result)))
    }

    #[test]
    fn every_column_has_a_name_of_its_own_and_the_table_fits_a_terminal() {
        let cells = [cell(8, Initialisation::Pretrained, Some(12345)), cell(8, Initialisation::Random, None)];
        let entries = cells.each_ref().map(|(cell, outcome)| (cell, outcome.clone()));
        let entries: Vec<_> = entries.iter().collect();
        let markdown = table(Form::Markdown, &entries).expect("a table");
        let rows: Vec<Vec<&str>> =
            markdown.lines().map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect();
        let mut header = rows[0].clone();
        assert_eq!(header[3..6], ["pretrain s", "pretrain clips/s", "pretrain MiB"]);
        assert_eq!(header[11..], ["end to end s", "end to end MiB"]);
        header.sort();
        header.dedup();
        assert_eq!(header.len(), rows[0].len(), "{markdown}");
        assert_eq!(rows[2][3..8], ["12345.6", "0", "12345", "123.4", "8"]);
        assert_eq!((rows[3][5], rows[3][8], rows[3][10]), ("-", "-", "-"), "unknown peaks");

        let terminal = table(Form::Terminal, &entries).expect("a table");
        let width = terminal.lines().map(|line| line.chars().count()).max();
        assert!(width <= Some(144), "{width:?}:\n{terminal}");
    }
}
