//! How many labels it takes: errors against the share of labels.

use maud::html;
use physrep_benchmarks::labels::Scale;

use super::{
    figure::{Data, Figure, Panel, file_name},
    overview::cell,
    plot::{Axis, Frame, Ink, Margin, line, marker, px, spread, text_width, whisker},
    rows::{Palette, spaced},
};
use crate::{
    board::{Row, Score, System},
    result::Track,
};

/// One panel a probe; none for a suite with all labels alone.
pub(super) fn figure(system: &System<'_>, palette: &Palette) -> Option<Figure> {
    let mut data = Data::new(&["system", "method", "initialisation", "probe", "label_fraction", "mse", "low", "high"]);
    let panels: Vec<Panel> =
        system.probes(Track::Frozen).into_iter().filter_map(|probe| panel(system, probe, palette, &mut data)).collect();
    (!panels.is_empty()).then(|| Figure {
        name: format!("label-efficiency-{}", file_name(system.name)),
        title: format!("{}: error by share of labels.", spaced(system.name)),
        caption: "Mean squared error on all of test, of probes that saw the labels of so many of the trajectories of train and valid; \
                  both axes are logarithmic, bars are 95 % intervals. Solid lines: pretrained encoders. Dotted at 1: always predicting the mean. Dashed lines with hollow marks: \
                  the same ones at random weights."
            .into(),
        columns: 2,
        panels,
        data,
    })
}

fn panel(system: &System<'_>, probe: &str, palette: &Palette, data: &mut Data) -> Option<Panel> {
    let rows: Vec<(&Row<'_>, &Score)> = system
        .rows
        .iter()
        .filter_map(|row| Some((row, row.score(Track::Frozen, probe)?)))
        .filter(|(_, score)| score.by_labels.len() > 1)
        .collect();
    if rows.is_empty() {
        return None;
    }
    for (row, score) in &rows {
        for (fraction, mse, interval) in &score.by_labels {
            data.push([
                system.name.into(),
                row.cell.method.clone(),
                row.cell.initialisation.to_string(),
                probe.into(),
                fraction.to_string(),
                mse.to_string(),
                cell(interval.map(|interval| interval.low)),
                cell(interval.map(|interval| interval.high)),
            ]);
        }
    }
    let points = || rows.iter().flat_map(|(_, score)| &score.by_labels);
    let named: Vec<&(&Row<'_>, &Score)> =
        rows.iter().filter(|(row, _)| !palette.ink(row).hollow || row.is_floor()).collect();
    let longest = named.iter().map(|(row, _)| text_width(&row.name())).fold(0.0, f64::max).min(150.0);
    let mut x = Axis::over(Scale::Log10, points().map(|(fraction, ..)| 100.0 * fraction));
    x.ticks = points().map(|(fraction, ..)| (1e4 * fraction).round() / 100.0).collect();
    x.ticks.sort_by(f64::total_cmp);
    x.ticks.dedup();
    let frame = Frame {
        size: [420.0, 290.0],
        margin: Margin { left: 38.0, right: longest + 36.0, top: 44.0, bottom: 40.0 },
        x,
        y: Axis::over(Scale::Log10, points().map(|(_, mse, _)| *mse).chain([1.0])),
    };
    let ink = |row: &Row<'_>| match row.is_floor() {
        true => Ink { colour: 0, shape: 5, hollow: false },
        false => palette.ink(row),
    };
    let class = |row: &Row<'_>| if row.is_floor() { "floor thin".to_owned() } else { ink(row).class() };
    let last = |score: &Score| score.by_labels.last().map_or(0.0, |(_, mse, _)| frame.at_y(*mse));
    let one = frame.at_y(1.0);
    let ends: Vec<f64> = named.iter().map(|(_, score)| last(score)).chain([one]).collect();
    let heights = spread(&ends, 13.0, [frame.top(), frame.bottom()]);
    let drawing = html! {
        (frame.axes("share of labels, %", "MSE"))
        line class="reference" x1=(px(frame.left())) x2=(px(frame.right())) y1=(px(one)) y2=(px(one)) {}
        @for hollow in [true, false] {
            @for (row, score) in rows.iter().filter(|(row, _)| palette.ink(row).hollow == hollow) {
                g class=(class(row)) {
                    @let path: Vec<[f64; 2]> =
                        score.by_labels.iter().map(|(f, mse, _)| [frame.at_x(100.0 * f), frame.at_y(*mse)]).collect();
                    (line(&path, "line"))
                    @for ((_, _, interval), [x, y]) in score.by_labels.iter().zip(&path) {
                        @if let Some(interval) = interval {
                            (whisker(*x, frame.at_y(interval.high), frame.at_y(interval.low)))
                        }
                        (marker(ink(row), [*x, *y], 3.5))
                    }
                }
            }
        }
        @for (place, (end, height)) in ends.iter().zip(&heights).enumerate() {
            @let x = frame.right();
            line class="leader" x1=(px(x + 6.0)) x2=(px(x + 16.0)) y1=(px(*end)) y2=(px(*height)) {}
            @match named.get(place) {
                Some((row, _)) => {
                    g class=(class(row)) { (marker(ink(row), [x + 22.0, *height], 3.0)) }
                    text x=(px(x + 29.0)) y=(px(height + 3.5)) { (row.name()) }
                },
                None => text class="note" x=(px(x + 19.0)) y=(px(height + 3.5)) { "mean" },
            }
        }
    };
    let said = rows.iter().map(|(row, score)| {
        let of = |end: Option<&(f64, f64, _)>| {
            end.map_or(String::new(), |(f, mse, _)| format!("{mse:.3} with {} %", 100.0 * f))
        };
        format!("{}: {}, {}", row.name(), of(score.by_labels.first()), of(score.by_labels.last()))
    });
    Some(Panel {
        title: format!("{probe} probe"),
        description: format!("Mean squared errors by share of labels. {}.", said.collect::<Vec<_>>().join("; ")),
        size: frame.size,
        drawing,
    })
}
