//! What a score costs: error against the time of pretraining and encoding.

use maud::html;
use physrep_benchmarks::label_scale::Scale;
use physrep_records::Track;
use physrep_statistics::mean;

use super::{
    figure::{Data, Figure, Panel, optional},
    names::spaced,
    palette::{Palette, shared_marks},
};
use crate::{
    leaderboard::{Leaderboard, Row, SystemLeaderboard},
    plot::{Axis, Frame, Margin, beside, marker, px, whisker},
};

/// One panel per system; none without encoders that took any time.
pub(crate) fn figure(leaderboard: &Leaderboard<'_>, palette: &Palette) -> Option<Figure> {
    let mut data = Data::new(&["system", "method", "initialisation", "probe", "seconds", "mse", "low", "high"]);
    let panels: Vec<Panel> =
        leaderboard.systems.iter().filter_map(|system| panel(system, palette, &mut data)).collect();
    (!panels.is_empty()).then(|| Figure {
        name: "cost".into(),
        title: "What a score costs.".into(),
        caption: format!(
            "Mean squared error on test against the seconds of pretraining and of encoding all splits, the mean over seeds, on the machine \
             under Environment. Hollow marks: random initialisation, which is not pretrained.{} Bars: 95 % intervals. A joint pretraining counts \
             in full on every system. Lower and further left is better.",
            shared_marks(leaderboard.rows())
        ),
        columns: 2,
        panels,
        data,
    })
}

fn panel(system: &SystemLeaderboard<'_>, palette: &Palette, data: &mut Data) -> Option<Panel> {
    let probe = system.first_probe().unwrap_or("mean");
    let points: Vec<_> = system
        .rows
        .iter()
        .filter_map(|row| {
            let score = row.score_or_own(Track::Frozen, probe)?;
            Some((row, seconds(row).filter(|&seconds| seconds > 0.0)?, score))
        })
        .collect();
    if points.is_empty() {
        return None;
    }
    for (row, seconds, score) in &points {
        data.push([
            system.name.into(),
            row.methods(),
            row.identity.initialisation.to_string(),
            score.probe.clone(),
            seconds.to_string(),
            score.test.mse.to_string(),
            optional(score.test.interval.map(|interval| interval.low)),
            optional(score.test.interval.map(|interval| interval.high)),
        ]);
    }
    let highs = points
        .iter()
        .flat_map(|(.., score)| [Some(score.test.mse), score.test.interval.map(|i| i.high.min(3.0 * score.test.mse))]);
    let frame = Frame {
        size: [420.0, 300.0],
        margin: Margin { left: 38.0, right: 44.0, top: 44.0, bottom: 40.0 },
        x: Axis::over(Scale::Log10, points.iter().map(|(_, seconds, _)| *seconds)),
        y: Axis::from_zero(highs.flatten()),
    };
    let at = |seconds: f64, mse: f64| [frame.at_x(seconds), frame.at_y(mse)];
    // Rows with a label come first; a hollow mark is known by its shape.
    let mut order: Vec<&(&Row<'_>, f64, _)> = points.iter().collect();
    order.sort_by_key(|(row, ..)| palette.ink(row).hollow);
    let named = order.iter().filter(|(row, ..)| !palette.ink(row).hollow).count();
    let places: Vec<[f64; 2]> = order.iter().map(|(_, seconds, score)| at(*seconds, score.test.mse)).collect();
    let names: Vec<String> = order[..named].iter().map(|(row, ..)| row.name()).collect();
    let texts = beside(&places, &names, [frame.left(), frame.size[0]]);
    let drawing = html! {
        (frame.axes("seconds", "MSE"))
        @for ((row, _, score), place) in order.iter().zip(&places).rev() {
            g class=(palette.class(row)) {
                @if let Some(interval) = score.test.interval {
                    (whisker(place[0], frame.at_y(interval.high), frame.at_y(interval.low)))
                }
                (marker(palette.ink(row), *place, 4.5))
            }
        }
        @for (name, [x, y]) in names.iter().zip(&texts) {
            text x=(px(*x)) y=(px(*y)) { (name) }
        }
    };
    let said =
        points.iter().map(|(row, seconds, score)| format!("{}: {seconds:.1} s, {:.3}", row.name(), score.test.mse));
    Some(Panel {
        title: format!("{}, {} probe", spaced(system.name), probe),
        description: format!("Seconds and mean squared errors. {}.", said.collect::<Vec<_>>().join("; ")),
        size: frame.size,
        drawing,
    })
}

/// The seconds of pretraining and of encoding, the mean over seeds.
fn seconds(row: &Row<'_>) -> Option<f64> {
    let of_seeds = row.records.iter().map(|record| record.cost.pretrain.seconds + record.cost.encode.seconds);
    mean(&of_seeds.collect::<Vec<f64>>())
}
