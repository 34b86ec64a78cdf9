//! What a score costs: error against the time of pretraining and encoding, and a table of all costs.

use maud::html;
use physrep_benchmarks::labels::Scale;

use super::{
    figure::{Data, Figure, Panel},
    plot::{Axis, Frame, Ink, Margin, beside, marker, px, whisker},
    rows::{Palette, first_probe, frozen_score, mean_cost, spaced},
};
use crate::board::{Board, Row, System};

/// One panel a system; none without encoders that cost anything.
pub(super) fn figure(board: &Board<'_>, palette: &Palette) -> Option<Figure> {
    let mut data = Data::new(&["system", "method", "initialisation", "probe", "seconds", "mse", "low", "high"]);
    let panels: Vec<Panel> = board.systems.iter().filter_map(|system| panel(system, palette, &mut data)).collect();
    (!panels.is_empty()).then(|| Figure {
        name: "cost".into(),
        title: "What a score costs.".into(),
        caption: "Mean squared error on test against the seconds of pretraining and of encoding all splits, the mean over seeds, on the \
                  machine under Environment. Hollow marks: random weights, which are encoded only. Bars are 95 % intervals. A joint \
                  pretraining is counted whole on every system. Low and left is better."
            .into(),
        columns: 2,
        panels,
        data,
    })
}

fn panel(system: &System<'_>, palette: &Palette, data: &mut Data) -> Option<Panel> {
    let points: Vec<_> = system
        .rows
        .iter()
        .filter_map(|row| {
            let seconds = mean_cost(row, |cost| cost.pretrain.seconds + cost.encode.seconds).filter(|&s| s > 0.0)?;
            Some((row, seconds, frozen_score(system, row)?))
        })
        .collect();
    if points.is_empty() {
        return None;
    }
    for (row, seconds, score) in &points {
        data.push([
            system.name.into(),
            row.cell.method.clone(),
            row.cell.initialisation.to_string(),
            score.probe.clone(),
            seconds.to_string(),
            score.mean.mse.to_string(),
            super::overview::cell(score.interval.map(|interval| interval.low)),
            super::overview::cell(score.interval.map(|interval| interval.high)),
        ]);
    }
    let highs = points
        .iter()
        .flat_map(|(.., score)| [Some(score.mean.mse), score.interval.map(|i| i.high.min(3.0 * score.mean.mse))]);
    let frame = Frame {
        size: [420.0, 300.0],
        margin: Margin { left: 38.0, right: 44.0, top: 44.0, bottom: 40.0 },
        x: Axis::over(Scale::Log10, points.iter().map(|(_, seconds, _)| *seconds)),
        y: Axis::from_zero(highs.flatten()),
    };
    let ink = |row: &Row<'_>| match row.is_floor() {
        true => Ink { colour: 0, shape: 5, hollow: false },
        false => palette.ink(row),
    };
    let at = |seconds: f64, mse: f64| [frame.at_x(seconds), frame.at_y(mse)];
    // Names first for those that have one; a hollow mark is known by its shape.
    let mut order: Vec<&(&Row<'_>, f64, _)> = points.iter().collect();
    order.sort_by_key(|(row, ..)| palette.ink(row).hollow && !row.is_floor());
    let named = order.iter().filter(|(row, ..)| row.is_floor() || !palette.ink(row).hollow).count();
    let places: Vec<[f64; 2]> = order.iter().map(|(_, seconds, score)| at(*seconds, score.mean.mse)).collect();
    let names: Vec<String> = order[..named].iter().map(|(row, ..)| row.name()).collect();
    let texts = beside(&places, &names, [frame.left(), frame.size[0]]);
    let drawing = html! {
        (frame.axes("seconds", "MSE"))
        @for ((row, _, score), place) in order.iter().zip(&places).rev() {
            g class=(if row.is_floor() { "floor".into() } else { ink(row).class() }) {
                @if let Some(interval) = score.interval {
                    (whisker(place[0], frame.at_y(interval.high), frame.at_y(interval.low)))
                }
                (marker(ink(row), *place, 4.5))
            }
        }
        @for (name, [x, y]) in names.iter().zip(&texts) {
            text x=(px(*x)) y=(px(*y)) { (name) }
        }
    };
    let said =
        points.iter().map(|(row, seconds, score)| format!("{}: {seconds:.1} s, {:.3}", row.name(), score.mean.mse));
    Some(Panel {
        title: format!("{}, {} probe", spaced(system.name), first_probe(system).unwrap_or("mean")),
        description: format!("Seconds and mean squared errors. {}.", said.collect::<Vec<_>>().join("; ")),
        size: frame.size,
        drawing,
    })
}
