//! A run in one table: the mean error of each row on every system.

use physrep_benchmarks::split::Split;

use super::{Form, Row, rows, table};
use crate::{
    cell::{Cell, Outcome},
    result::Track,
};

/// The rows of a track with the columns of all systems side by side; nothing for a run on one system, or without scores.
pub(super) fn summary(form: Form, systems: &[(&str, Vec<&(&Cell, Outcome)>)], track: Track) -> Option<String> {
    let mut columns = Vec::new();
    let mut best_of = Vec::new();
    let mut all: Vec<Row> = Vec::new();
    for (system, cells) in systems {
        let suite = &cells[0].0.suite;
        let mean = suite.parameter_names(system).len();
        let held_out = suite.splits(system).contains(&Split::HeldOut);
        // Of a row's values: the mean error, and behind R2 that on held-out parameters.
        let wanted = [Some(mean), held_out.then_some(mean + 2)];
        let first = columns.len();
        best_of.push(first);
        columns.push(form.broken(&system.replace('_', " ")));
        columns.extend(held_out.then(|| "held-out".to_owned()));
        for row in rows(cells, track) {
            let place = match all.iter().position(|known| (&known.method, &known.probe) == (&row.method, &row.probe)) {
                Some(place) => place,
                None => {
                    all.push(Row { method: row.method, probe: row.probe, values: Vec::new(), note: String::new() });
                    all.len() - 1
                }
            };
            all[place].values.resize(first, None);
            all[place].values.extend(wanted.iter().flatten().map(|&value| row.values.get(value).copied().flatten()));
        }
    }
    // A row that failed on some systems alone has no probe there.
    let scored: Vec<String> = all.iter().filter(|row| row.probe != "-").map(|row| row.method.clone()).collect();
    all.retain(|row| row.probe != "-" || !scored.contains(&row.method));
    // A method that was left out of the first systems comes after those of its name.
    let order: Vec<String> = all.iter().map(|row| row.method.clone()).collect();
    all.sort_by_key(|row| order.iter().position(|method| *method == row.method));
    (systems.len() > 1 && !all.is_empty()).then(|| table(form, &columns, &best_of, &all))
}
