//! The machine, the versions and the checksums.

use maud::{Markup, html};
use physrep_records::{CellRecord, Environment};

use super::table;
use crate::{
    figures::spaced,
    leaderboard::{Leaderboard, Row},
    tables::table::{Column, Entry, Line, Table, Value},
};

/// What the results were computed with. Dates are left out: the same records give the same report.
pub(super) fn section(leaderboard: &Leaderboard<'_>) -> Markup {
    let records = || leaderboard.rows().flat_map(Row::all_records);
    let mut machines: Vec<Vec<(&str, String)>> = Vec::new();
    for record in records() {
        let machine = machine(&record.environment);
        if !machines.contains(&machine) {
            machines.push(machine);
        }
    }
    let (data, encoders) = (data(records()), encoders(records()));
    html! {
        @for machine in machines {
            dl class="facts" {
                @for (name, value) in machine { dt { (name) } dd { (value) } }
            }
        }
        @if !data.lines.is_empty() { (table::render(&data)) }
        @if !encoders.lines.is_empty() {
            details {
                summary { "Checksums of " (encoders.lines.len()) " encoders" }
                (table::render(&encoders))
            }
        }
    }
}

/// The checksums of the suite and of the packed data of each system.
fn data<'r>(records: impl Iterator<Item = &'r CellRecord>) -> Table {
    let mut known: Vec<[&str; 3]> = Vec::new();
    for record in records {
        let (identity, environment) = (&record.identity, &record.environment);
        let facts = [identity.system.as_str(), &identity.suite.checksum, &environment.data_checksum];
        if !known.contains(&facts) {
            known.push(facts);
        }
    }
    let lines = known
        .into_iter()
        .map(|[system, suite, data]| Line::plain(vec![Entry::text(spaced(system)), checksum(suite), checksum(data)]));
    Table {
        title: "Checksums of the data".into(),
        legend: "BLAKE3 of what the suite says of each system, and of its packed data.".into(),
        columns: ["System", "suite", "data"].map(Column::text).into(),
        lines: lines.collect(),
        notes: Vec::new(),
    }
}

/// The checksums of every encoder.
fn encoders<'r>(records: impl Iterator<Item = &'r CellRecord>) -> Table {
    let lines = records.filter_map(|record| {
        let identity = &record.identity;
        let (plugin, encoder) = match (&record.encoder, &record.elsewhere) {
            (Some(encoder), _) => (checksum(&encoder.plugin_checksum), checksum(&encoder.checksum)),
            (None, Some(elsewhere)) => (Value::Missing.into(), checksum(&elsewhere.checksum)),
            (None, None) => return None,
        };
        let name = format!("{} ({}) on {}", identity.method, identity.initialisation, spaced(&identity.system));
        Some(Line::plain(vec![
            Entry::text(name),
            Value::Count(identity.seed).into(),
            checksum(&identity.key),
            plugin,
            encoder,
        ]))
    });
    let [cell, key, plugin, encoder] = ["Cell", "key", "plugin", "encoder"].map(Column::text);
    Table {
        title: "Checksums of encoders".into(),
        legend:
            "The address of each cell, and BLAKE3 of the plugin's library and of the encoder's weights; of embeddings \
                 that were made elsewhere, of their file."
                .into(),
        columns: vec![cell, Column::number("seed"), key, plugin, encoder],
        lines: lines.collect(),
        notes: Vec::new(),
    }
}

fn checksum(checksum: &str) -> Entry {
    Value::Checksum(checksum.to_owned()).into()
}

fn machine(environment: &Environment) -> Vec<(&'static str, String)> {
    vec![
        ("physrep-bench", format!("{} ({})", environment.physrep_bench, environment.git_revision)),
        ("Compiler", environment.rustc.clone()),
        ("System", environment.os.clone()),
        (
            "Processor",
            format!("{}, {} cores, {} threads used", environment.cpu, environment.cores, environment.threads),
        ),
        ("Memory", format!("{:.1} GiB", environment.memory_mib as f64 / 1024.0)),
        ("Device", environment.device.clone()),
    ]
}
