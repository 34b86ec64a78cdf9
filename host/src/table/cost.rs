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
}

/// Those that make embeddings, and those that read them; a table for either would fit a terminal, one for all would not.
const PARTS: [[Phase; 2]; 2] = [
    [Phase { name: "pretrain", of: |cost| &cost.pretrain }, Phase { name: "encode", of: |cost| &cost.encode }],
    [Phase { name: "probe", of: |cost| &cost.probe }, Phase { name: "end to end", of: |cost| &cost.finetune }],
];

/// Two tables with a row for each encoder with a result, averaged over seeds; nothing if there is none. Phases that none went
/// through are left out.
pub(super) fn tables(form: Form, cells: &[&(&Cell, Outcome)]) -> Vec<String> {
    let rows: Vec<Row<'_>> = cells.chunk_by(|a, b| same_row(a.0, b.0)).filter_map(Row::of).collect();
    let went_through = |phase: &&Phase| rows.iter().any(|row| row.mean(phase, |cost| cost.seconds) > Some(0.0));
    let mut tables = Vec::new();
    for part in &PARTS {
        let phases: Vec<&Phase> = part.iter().filter(went_through).collect();
        if !phases.is_empty() {
            tables.push(table(form, &phases, &rows));
        }
    }
    tables
}

fn table(form: Form, phases: &[&Phase], rows: &[Row<'_>]) -> String {
    let mut table = form.table();
    let mut header = ["method", "encoder weights", "tokens x dim"].map(String::from).to_vec();
    header.extend(phases.iter().flat_map(|phase| phase.columns()));
    table.set_header(header.iter().map(|name| form.broken(name)));
    for row in rows {
        let mut line = vec![row.encoder.encoder_parameters.to_string()];
        line.push(format!("{} x {}", row.encoder.tokens, row.encoder.dim));
        line.extend(phases.iter().flat_map(|phase| row.numbers(phase)));
        let numbers = line.into_iter().map(|text| TableCell::new(text).set_alignment(CellAlignment::Right));
        table.add_row([TableCell::new(&row.method)].into_iter().chain(numbers));
    }
    table.to_string()
}

impl Phase {
    /// The names of its columns.
    fn columns(&self) -> [String; 3] {
        ["s", "clips/s", "MiB"].map(|unit| format!("{} {unit}", self.name))
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
    fn numbers(&self, phase: &Phase) -> [String; 3] {
        let positive = |figure: fn(&PhaseCost) -> f64| self.mean(phase, figure).filter(|&value| value > 0.0);
        let seconds = positive(|cost| cost.seconds);
        let rate = positive(|cost| cost.samples as f64).zip(seconds).map(|(samples, seconds)| samples / seconds);
        let peaks = self.results.iter().filter_map(|result| (phase.of)(&result.cost).peak_memory_mib);
        [text(seconds, 1), text(rate, 0), text(mean(peaks.map(|mib| mib as f64)), 0)]
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
        let markdown = tables(Form::Markdown, &entries);
        let cells_of = |table: &String| -> Vec<Vec<String>> {
            table
                .lines()
                .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
                .collect()
        };
        let [embedding, reading] = [0, 1].map(|part| cells_of(&markdown[part]));
        assert_eq!(embedding[0][3..6], ["pretrain s", "pretrain clips/s", "pretrain MiB"]);
        assert_eq!(reading[0][6..], ["end to end s", "end to end clips/s", "end to end MiB"]);
        for rows in [&embedding, &reading] {
            let mut header = rows[0].clone();
            header.sort();
            header.dedup();
            assert_eq!(header.len(), rows[0].len(), "{rows:?}");
            assert_eq!((rows[3][5].as_str(), rows[3][8].as_str()), ("-", "-"), "unknown peaks");
        }
        assert_eq!(embedding[2][3..8], ["12345.6", "0", "12345", "123.4", "8"]);
        assert_eq!(reading[2][3..5], ["12.3", "81"]);

        for table in tables(Form::Terminal, &entries) {
            let width = table.lines().map(|line| line.chars().count()).max();
            assert!(width <= Some(120), "{width:?}:\n{table}");
        }
    }
}
