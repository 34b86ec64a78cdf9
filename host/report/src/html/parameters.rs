//! The parameters of a system and the scaling of its labels.

use physrep_benchmarks::{Split, suite::SystemSuite};

use crate::{
    figures::spaced,
    number::number,
    tables::table::{Column, Entry, Line, Table, Value},
};

/// The table of the parameters of a system: one line per parameter.
pub(super) fn table(section: &SystemSuite) -> Table {
    let lines = section.parameters.iter().zip(section.scalings()).map(|(grid, scaling)| {
        let held_out = if grid.held_out.is_empty() { Value::Missing } else { Value::Text(list(&grid.held_out)) };
        Line::plain(vec![
            Entry::text(&grid.name),
            Entry::text(list(&grid.values)),
            held_out.into(),
            Entry::text(scaling.scale.formula()),
            Entry::number(Some(scaling.mean), 4),
            Entry::number(Some(scaling.std), 4),
        ])
    });
    let words = ["Parameter", "values", "held-out", "scale"].map(Column::text);
    let numbers = ["mean", "standard deviation"].map(Column::number);
    Table {
        title: format!("Parameters of {}", spaced(&section.name)),
        legend: legend(section),
        columns: words.into_iter().chain(numbers).collect(),
        lines: lines.collect(),
        notes: Vec::new(),
    }
}

/// The grid, the frames, and what the suite says of this system only.
fn legend(section: &SystemSuite) -> String {
    let [nx, ny] = section.store;
    let mut legend = format!("{nx} × {ny} points, {} frames {} apart", section.frames, number(section.dt));
    if let Some(noise) = section.noise {
        legend += &format!(", noise of standard deviation {}", number(noise));
    }
    if let Some(generation) = &section.generate {
        let count = |split: Split| format!("{} {}", generation.trajectories[split], spaced(split.name()));
        let counts: Vec<String> = section.splits().map(count).collect();
        legend += &format!("; trajectories for each set of parameters: {}", counts.join(", "));
    }
    legend + "."
}

/// Values for people, separated by commas.
pub(super) fn list(values: &[f64]) -> String {
    values.iter().map(|value| number(*value)).collect::<Vec<_>>().join(", ")
}
