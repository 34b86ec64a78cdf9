//! The machine, the versions and the checksums.

use maud::{Markup, html};

use super::{
    rows::spaced,
    table::{Column, Entry, Table},
};
use crate::{board::Board, environment::Environment};

/// What the results were computed with. When is left out: the same results give the same report.
pub(super) fn section(board: &Board<'_>) -> Markup {
    let results = || board.systems.iter().flat_map(|system| system.rows.iter().flat_map(|row| &row.results));
    let mut machines: Vec<Vec<(&str, String)>> = Vec::new();
    for result in results() {
        let machine = machine(&result.environment);
        if !machines.contains(&machine) {
            machines.push(machine);
        }
    }
    let mut data: Vec<[&str; 3]> = Vec::new();
    let mut encoders = Vec::new();
    for result in results() {
        let (identity, environment) = (&result.identity, &result.environment);
        let known = [identity.system.as_str(), &identity.suite.checksum, &environment.data_checksum];
        if !data.contains(&known) {
            data.push(known);
        }
        if let Some(encoder) = &result.encoder {
            encoders.push(vec![
                Entry::text(format!(
                    "{} ({}) on {}",
                    identity.method,
                    identity.initialisation,
                    spaced(&identity.system)
                )),
                Entry::number(Some(identity.seed as f64), 0),
                code(&identity.key),
                code(&encoder.plugin_checksum),
                code(&encoder.checksum),
            ]);
        }
    }
    let rows = data.into_iter().map(|[system, suite, data]| vec![Entry::text(spaced(system)), code(suite), code(data)]);
    let checksums = Table {
        id: "checksums-data".into(),
        caption: html! { "What the suite says of each system, and its packed data (BLAKE3)." },
        columns: ["System", "suite", "data"].map(Column::text).into(),
        rows: rows.collect(),
        notes: Vec::new(),
        rule: None,
    };
    let count = encoders.len();
    let cells = Table {
        id: "checksums-cells".into(),
        caption: html! { "Encoders (BLAKE3 of libraries and of weights)." },
        columns: ["Cell", "seed", "key", "plugin", "encoder"].map(Column::text).into(),
        rows: encoders,
        notes: Vec::new(),
        rule: None,
    };
    html! {
        @for machine in machines {
            dl class="facts" {
                @for (name, value) in machine { dt { (name) } dd { (value) } }
            }
        }
        @if results().next().is_some() { (checksums.render()) }
        @if count > 0 {
            details {
                summary { "Checksums of " (count) " encoders" }
                (cells.render())
            }
        }
    }
}

fn machine(environment: &Environment) -> Vec<(&'static str, String)> {
    let memory = format!("{:.1} GiB", environment.memory_mib as f64 / 1024.0);
    vec![
        ("physrep-bench", format!("{} ({})", environment.physrep_bench, environment.git_revision)),
        ("Compiler", environment.rustc.clone()),
        ("System", environment.os.clone()),
        (
            "Processor",
            format!("{}, {} cores, {} threads used", environment.cpu, environment.cores, environment.threads),
        ),
        ("Memory", memory),
        ("Device", environment.device.clone()),
    ]
}

/// The beginning of a checksum; whoever points at it sees all of it.
fn code(checksum: &str) -> Entry {
    let short: String = checksum.chars().take(16).collect();
    Entry { content: html! { code title=(checksum) { (short) } }, value: None }
}
