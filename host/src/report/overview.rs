//! What pretraining is worth: each method as pretrained and at its random weights, between the floors.

use maud::{Markup, html};

use super::{
    figure::{Data, Figure, Panel},
    plot::{Axis, Frame, Margin, bar, marker, px, text_width},
    rows::{Palette, first_probe, frozen_score, spaced},
};
use crate::board::{Board, Row, Score, System};

/// Height of a method's line.
const LINE: f64 = 24.0;

/// One panel a system; none without scores.
pub(super) fn figure(board: &Board<'_>, palette: &Palette) -> Option<Figure> {
    let mut data = Data::new(&["system", "method", "initialisation", "probe", "mse", "low", "high"]);
    let panels: Vec<Panel> = board.systems.iter().filter_map(|system| panel(system, palette, &mut data)).collect();
    (!panels.is_empty()).then(|| Figure {
        name: "overview".into(),
        title: "What pretraining is worth.".into(),
        caption: "Mean squared error on test: filled marks are pretrained encoders, hollow ones of the same shape the same encoders at \
                  random weights; bars are 95 % intervals. Dashed lines: ridge regression on hand-made features, and always predicting \
                  the mean. Left is better."
            .into(),
        columns: 2,
        panels,
        data,
    })
}

fn panel(system: &System<'_>, palette: &Palette, data: &mut Data) -> Option<Panel> {
    let scored: Vec<(&Row<'_>, &Score)> =
        system.rows.iter().filter_map(|row| Some((row, frozen_score(system, row)?))).collect();
    if scored.is_empty() {
        return None;
    }
    for (row, score) in &scored {
        let end = |of: fn(&crate::statistics::Interval) -> f64| score.interval.as_ref().map(of);
        data.push([
            system.name.into(),
            row.cell.method.clone(),
            row.cell.initialisation.to_string(),
            score.probe.clone(),
            score.mean.mse.to_string(),
            cell(end(|interval| interval.low)),
            cell(end(|interval| interval.high)),
        ]);
    }
    // A method's random weights stand on its line; a joint pretraining has one of its own.
    let mut lines: Vec<String> = Vec::new();
    let line_of = |row: &Row<'_>| row.name().trim_end_matches(" (random init)").to_owned();
    for (row, _) in scored.iter().filter(|(row, _)| !row.is_floor()) {
        if !lines.contains(&line_of(row)) {
            lines.push(line_of(row));
        }
    }
    let ends = scored
        .iter()
        .flat_map(|(_, score)| [Some(score.mean.mse), score.interval.map(|i| i.high.min(3.0 * score.mean.mse))]);
    let longest = lines.iter().map(|name| text_width(name)).fold(40.0, f64::max).min(190.0);
    let frame = Frame {
        size: [420.0, 34.0 + LINE * lines.len() as f64 + 44.0],
        margin: Margin { left: longest + 14.0, right: 14.0, top: 38.0, bottom: 40.0 },
        x: Axis::from_zero(ends.flatten()),
        y: Axis::from_zero([1.0]),
    };
    let height = |row: &Row<'_>| {
        let line = lines.iter().position(|name| *name == line_of(row)).unwrap_or_default();
        frame.top() + LINE * (line as f64 + 0.5)
    };
    let drawing = html! {
        (frame.x_axis("MSE"))
        (floors(&frame, &scored))
        @for (line, name) in lines.iter().enumerate() {
            text text-anchor="end" x=(px(frame.left() - 10.0)) y=(px(frame.top() + LINE * (line as f64 + 0.5) + 4.0)) { (name) }
        }
        // Random weights first, so that they cover nothing.
        @for hollow in [true, false] {
            @for (row, score) in scored.iter().filter(|(row, _)| !row.is_floor() && palette.ink(row).hollow == hollow) {
                @let ink = palette.ink(row);
                g class=(ink.class()) {
                    @if let Some(interval) = score.interval {
                        (bar(height(row), frame.at_x(interval.low), frame.at_x(interval.high)))
                    }
                    (marker(ink, [frame.at_x(score.mean.mse), height(row)], 4.5))
                }
            }
        }
    };
    let probe = first_probe(system).unwrap_or("mean");
    let mut order = scored.clone();
    order.sort_by(|a, b| a.1.mean.mse.total_cmp(&b.1.mean.mse));
    let said: Vec<String> = order.iter().map(|(row, score)| format!("{} {:.3}", row.name(), score.mean.mse)).collect();
    Some(Panel {
        title: format!("{}, {probe} probe", spaced(system.name)),
        description: format!("Mean squared errors, best first: {}.", said.join(", ")),
        size: frame.size,
        drawing,
    })
}

/// A line at each floor, called at the top.
fn floors(frame: &Frame, scored: &[(&Row<'_>, &Score)]) -> Markup {
    html! {
        @for (row, score) in scored.iter().filter(|(row, _)| row.is_floor()) {
            @let x = frame.at_x(score.mean.mse);
            line class="reference" x1=(px(x)) x2=(px(x)) y1=(px(frame.top() - 4.0)) y2=(px(frame.bottom())) {}
            text class="note" text-anchor="middle" x=(px(x.min(frame.size[0] - text_width(&row.name()) / 2.0))) y=(px(frame.top() - 8.0)) {
                (row.name())
            }
        }
    }
}

/// A number that may not be there.
pub(super) fn cell(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
