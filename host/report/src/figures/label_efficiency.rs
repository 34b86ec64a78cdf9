//! Label efficiency: error against the label fraction.

use physrep_benchmarks::label_scale::Scale;
use physrep_records::Track;

use super::{
    figure::{Data, Figure, Panel, optional},
    lines::{self, Series},
    names::{file_name, spaced},
    palette::{Palette, shared_marks},
};
use crate::{
    leaderboard::{Estimate, Row, RowScore, SystemLeaderboard},
    plot::Axis,
};

/// One panel per probe; none for a suite with a single label fraction.
pub(crate) fn figure(system: &SystemLeaderboard<'_>, palette: &Palette) -> Option<Figure> {
    let mut data = Data::new(&["system", "method", "initialisation", "probe", "label_fraction", "mse", "low", "high"]);
    let panels: Vec<Panel> =
        system.probes(Track::Frozen).into_iter().filter_map(|probe| panel(system, probe, palette, &mut data)).collect();
    (!panels.is_empty()).then(|| Figure {
        name: format!("label-efficiency-{}", file_name(system.name)),
        title: format!("{}: error by label fraction.", spaced(system.name)),
        caption: format!(
            "Mean squared error on all of test, of probes that saw the labels of this fraction of the trajectories of train and of valid. Both \
             axes are logarithmic; bars: 95 % intervals. Solid lines: pretrained encoders; dashed lines with hollow marks: the same encoders \
             at random initialisation.{} Dotted line at 1: predicting the mean.",
            shared_marks(system.rows.iter())
        ),
        columns: 2,
        panels,
        data,
    })
}

fn panel(system: &SystemLeaderboard<'_>, probe: &str, palette: &Palette, data: &mut Data) -> Option<Panel> {
    let rows: Vec<(&Row<'_>, &RowScore)> = system
        .rows
        .iter()
        .filter_map(|row| Some((row, row.score(Track::Frozen, probe)?)))
        .filter(|(_, score)| score.by_label_fraction.len() > 1)
        .collect();
    if rows.is_empty() {
        return None;
    }
    for (row, score) in &rows {
        for by in &score.by_label_fraction {
            data.push([
                system.name.into(),
                row.methods(),
                row.identity.initialisation.to_string(),
                probe.into(),
                by.fraction.to_string(),
                by.error.mse.to_string(),
                optional(by.error.interval.map(|interval| interval.low)),
                optional(by.error.interval.map(|interval| interval.high)),
            ]);
        }
    }
    let fractions = || rows.iter().flat_map(|(_, score)| &score.by_label_fraction).map(|by| by.fraction);
    let mut x = Axis::over(Scale::Log10, fractions().map(|fraction| 100.0 * fraction));
    x.ticks = fractions().map(|fraction| (1e4 * fraction).round() / 100.0).collect();
    x.ticks.sort_by(f64::total_cmp);
    x.ticks.dedup();
    let series = rows.iter().map(|(row, score)| Series {
        row,
        points: score.by_label_fraction.iter().map(|by| (100.0 * by.fraction, by.error)).collect(),
    });
    let series: Vec<Series<'_, '_>> = series.collect();
    let said = series.iter().map(|Series { row, points }| {
        let of = |end: Option<&(f64, Estimate)>| {
            end.map_or(String::new(), |(percent, error)| format!("{:.3} with {percent} %", error.mse))
        };
        format!("{}: {}, {}", row.name(), of(points.first()), of(points.last()))
    });
    Some(Panel {
        title: format!("{probe} probe"),
        description: format!("Mean squared errors by label fraction. {}.", said.collect::<Vec<_>>().join("; ")),
        size: lines::SIZE,
        drawing: lines::drawing(&series, x, "label fraction, %", Some(1.0), palette),
    })
}
