//! What pretraining is worth: each method after pretraining and at random initialisation, with the floors.

use maud::{Markup, html};
use physrep_records::Track;

use super::{
    figure::{Data, Figure, Panel, optional},
    names::spaced,
    palette::{Palette, shared_marks},
};
use crate::{
    leaderboard::{Leaderboard, Row, RowScore, SystemLeaderboard},
    plot::{Axis, Frame, Margin, bar, marker, px, text_width},
};

/// The height of the line of a method, in pixels.
const LINE: f64 = 24.0;

/// One panel per system; none without scores.
pub(crate) fn figure(leaderboard: &Leaderboard<'_>, palette: &Palette) -> Option<Figure> {
    let mut data = Data::new(&["system", "method", "initialisation", "probe", "mse", "low", "high"]);
    let panels: Vec<Panel> =
        leaderboard.systems.iter().filter_map(|system| panel(system, palette, &mut data)).collect();
    (!panels.is_empty()).then(|| Figure {
        name: "overview".into(),
        title: "What pretraining is worth.".into(),
        caption: format!(
            "Mean squared error on test. Filled marks: pretrained encoders; hollow marks of the same shape: the same encoders at random \
             initialisation; bars: 95 % intervals.{}{} Dashed lines: ridge regression on hand-made features, and predicting the mean. Further \
             left is better.",
            shared_marks(leaderboard.rows()),
            match leaderboard.rows().any(Row::is_elsewhere) {
                true => " Elsewhere: embeddings made outside the suite's budget.",
                false => "",
            }
        ),
        columns: 2,
        panels,
        data,
    })
}

fn panel(system: &SystemLeaderboard<'_>, palette: &Palette, data: &mut Data) -> Option<Panel> {
    let probe = system.first_probe().unwrap_or("mean");
    let scored: Vec<(&Row<'_>, &RowScore)> =
        system.rows.iter().filter_map(|row| Some((row, row.score_or_own(Track::Frozen, probe)?))).collect();
    if scored.is_empty() {
        return None;
    }
    for (row, score) in &scored {
        data.push([
            system.name.into(),
            row.methods(),
            row.identity.initialisation.to_string(),
            score.probe.clone(),
            score.test.mse.to_string(),
            optional(score.test.interval.map(|interval| interval.low)),
            optional(score.test.interval.map(|interval| interval.high)),
        ]);
    }
    // A method and its random initialisation share a line; a joint pretraining, and an encoder of several methods, have lines of their own.
    let mut lines: Vec<String> = Vec::new();
    let line_of = |row: &Row<'_>| match row.same.is_empty() {
        true => row.name().trim_end_matches(" (random init)").to_owned(),
        false => row.name(),
    };
    for (row, _) in scored.iter().filter(|(row, _)| !row.is_floor()) {
        if !lines.contains(&line_of(row)) {
            lines.push(line_of(row));
        }
    }
    let ends = scored
        .iter()
        .flat_map(|(_, score)| [Some(score.test.mse), score.test.interval.map(|i| i.high.min(3.0 * score.test.mse))]);
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
        // Hollow marks first, so that they cover nothing.
        @for hollow in [true, false] {
            @for (row, score) in scored.iter().filter(|(row, _)| !row.is_floor() && palette.ink(row).hollow == hollow) {
                @let ink = palette.ink(row);
                g class=(ink.class()) {
                    @if let Some(interval) = score.test.interval {
                        (bar(height(row), frame.at_x(interval.low), frame.at_x(interval.high)))
                    }
                    (marker(ink, [frame.at_x(score.test.mse), height(row)], 4.5))
                }
            }
        }
    };
    let mut order = scored.clone();
    order.sort_by(|a, b| a.1.test.mse.total_cmp(&b.1.test.mse));
    let said: Vec<String> = order.iter().map(|(row, score)| format!("{} {:.3}", row.name(), score.test.mse)).collect();
    Some(Panel {
        title: format!("{}, {probe} probe", spaced(system.name)),
        description: format!("Mean squared errors, best first: {}.", said.join(", ")),
        size: frame.size,
        drawing,
    })
}

/// A line at each floor, with its name at the top.
fn floors(frame: &Frame, scored: &[(&Row<'_>, &RowScore)]) -> Markup {
    html! {
        @for (row, score) in scored.iter().filter(|(row, _)| row.is_floor()) {
            @let x = frame.at_x(score.test.mse);
            line class="reference" x1=(px(x)) x2=(px(x)) y1=(px(frame.top() - 4.0)) y2=(px(frame.bottom())) {}
            text class="note" text-anchor="middle" x=(px(x.min(frame.size[0] - text_width(&row.name()) / 2.0))) y=(px(frame.top() - 8.0)) {
                (row.name())
            }
        }
    }
}
