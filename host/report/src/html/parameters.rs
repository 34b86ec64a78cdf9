//! The parameters of a system and the scaling of its labels.

use physrep_benchmarks::{
    Split,
    suite::{Regimes, SystemSuite},
};

use crate::{
    figures::spaced,
    number::number,
    tables::table::{Column, Entry, Line, Table},
};

/// The table of the parameters of a system: one line per parameter.
pub(super) fn table(section: &SystemSuite) -> Table {
    let lines = section.parameters.iter().zip(section.scalings()).map(|(parameter, scaling)| {
        let values = match parameter.range {
            Some([low, high]) => format!("{} to {}", number(low), number(high)),
            None => list(&parameter.values),
        };
        Line::plain(vec![
            Entry::text(&parameter.name),
            Entry::text(values),
            Entry::text(scaling.scale.formula()),
            Entry::number(Some(scaling.mean), 4),
            Entry::number(Some(scaling.std), 4),
        ])
    });
    let words = ["Parameter", "values", "scale"].map(Column::text);
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
        legend += &format!("; trajectories: {}", counts.join(", "));
        if let Some(Regimes { gap, near, far }) = generation.regimes {
            let percent = |fraction: f64| number(100.0 * fraction);
            legend += &format!(
                " for each regime; in percent of the ranges, the gap of interpolation is {} wide, near extrapolation reaches {} \
                 beyond the ends, and far extrapolation {}",
                percent(gap),
                percent(near),
                percent(far)
            );
        }
    }
    legend + "."
}

/// Values for people, separated by commas.
pub(super) fn list(values: &[f64]) -> String {
    values.iter().map(|value| number(*value)).collect::<Vec<_>>().join(", ")
}
