//! Label efficiency: error against the label fraction.

use maud::html;
use physrep_benchmarks::labels::Scale;
use physrep_records::Track;

use super::{
    figure::{Data, Figure, Panel, optional},
    names::{file_name, spaced},
    palette::Palette,
};
use crate::{
    leaderboard::{ByLabelFraction, Row, RowScore, SystemLeaderboard},
    plot::{Axis, Frame, Margin, line, marker, px, spread, text_width, whisker},
};

/// One panel per probe; none for a suite with a single label fraction.
pub(crate) fn figure(system: &SystemLeaderboard<'_>, palette: &Palette) -> Option<Figure> {
    let mut data = Data::new(&["system", "method", "initialisation", "probe", "label_fraction", "mse", "low", "high"]);
    let panels: Vec<Panel> =
        system.probes(Track::Frozen).into_iter().filter_map(|probe| panel(system, probe, palette, &mut data)).collect();
    (!panels.is_empty()).then(|| Figure {
        name: format!("label-efficiency-{}", file_name(system.name)),
        title: format!("{}: error by label fraction.", spaced(system.name)),
        caption: "Mean squared error on all of test, of probes that saw the labels of this fraction of the trajectories of train and of valid. Both \
                  axes are logarithmic; bars: 95 % intervals. Solid lines: pretrained encoders; dashed lines with hollow marks: the same encoders \
                  at random initialisation. Dotted line at 1: predicting the mean."
            .into(),
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
        for ByLabelFraction { fraction, mse, interval } in &score.by_label_fraction {
            data.push([
                system.name.into(),
                row.identity.method.clone(),
                row.identity.initialisation.to_string(),
                probe.into(),
                fraction.to_string(),
                mse.to_string(),
                optional(interval.map(|interval| interval.low)),
                optional(interval.map(|interval| interval.high)),
            ]);
        }
    }
    let points = || rows.iter().flat_map(|(_, score)| &score.by_label_fraction);
    let named: Vec<&(&Row<'_>, &RowScore)> = rows.iter().filter(|(row, _)| !palette.ink(row).hollow).collect();
    let longest = named.iter().map(|(row, _)| text_width(&row.name())).fold(0.0, f64::max).min(150.0);
    let mut x = Axis::over(Scale::Log10, points().map(|by| 100.0 * by.fraction));
    x.ticks = points().map(|by| (1e4 * by.fraction).round() / 100.0).collect();
    x.ticks.sort_by(f64::total_cmp);
    x.ticks.dedup();
    let frame = Frame {
        size: [420.0, 290.0],
        margin: Margin { left: 38.0, right: longest + 36.0, top: 44.0, bottom: 40.0 },
        x,
        y: Axis::over(Scale::Log10, points().map(|by| by.mse).chain([1.0])),
    };
    let class = |row: &Row<'_>| palette.class(row) + if row.is_floor() { " thin" } else { "" };
    let last = |score: &RowScore| score.by_label_fraction.last().map_or(0.0, |by| frame.at_y(by.mse));
    let one = frame.at_y(1.0);
    let ends: Vec<f64> = named.iter().map(|(_, score)| last(score)).chain([one]).collect();
    let heights = spread(&ends, 13.0, [frame.top(), frame.bottom()]);
    let drawing = html! {
        (frame.axes("label fraction, %", "MSE"))
        line class="reference" x1=(px(frame.left())) x2=(px(frame.right())) y1=(px(one)) y2=(px(one)) {}
        @for hollow in [true, false] {
            @for (row, score) in rows.iter().filter(|(row, _)| palette.ink(row).hollow == hollow) {
                g class=(class(row)) {
                    @let path: Vec<[f64; 2]> =
                        score.by_label_fraction.iter().map(|by| [frame.at_x(100.0 * by.fraction), frame.at_y(by.mse)]).collect();
                    (line(&path, "line"))
                    @for (by, [x, y]) in score.by_label_fraction.iter().zip(&path) {
                        @if let Some(interval) = by.interval {
                            (whisker(*x, frame.at_y(interval.high), frame.at_y(interval.low)))
                        }
                        (marker(palette.ink(row), [*x, *y], 3.5))
                    }
                }
            }
        }
        @for (place, (end, height)) in ends.iter().zip(&heights).enumerate() {
            @let x = frame.right();
            line class="leader" x1=(px(x + 6.0)) x2=(px(x + 16.0)) y1=(px(*end)) y2=(px(*height)) {}
            @match named.get(place) {
                Some((row, _)) => {
                    g class=(class(row)) { (marker(palette.ink(row), [x + 22.0, *height], 3.0)) }
                    text x=(px(x + 29.0)) y=(px(height + 3.5)) { (row.name()) }
                },
                None => text class="note" x=(px(x + 19.0)) y=(px(height + 3.5)) { "mean" },
            }
        }
    };
    let said = rows.iter().map(|(row, score)| {
        let of = |end: Option<&ByLabelFraction>| {
            end.map_or(String::new(), |by| format!("{:.3} with {} %", by.mse, 100.0 * by.fraction))
        };
        format!("{}: {}, {}", row.name(), of(score.by_label_fraction.first()), of(score.by_label_fraction.last()))
    });
    Some(Panel {
        title: format!("{probe} probe"),
        description: format!("Mean squared errors by label fraction. {}.", said.collect::<Vec<_>>().join("; ")),
        size: frame.size,
        drawing,
    })
}
