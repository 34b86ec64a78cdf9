//! What a score costs: error against the time of pretraining and encoding, and a table of all costs.

use maud::{Markup, html};
use physrep_benchmarks::labels::Scale;

use super::{
    figure::{Data, Figure, Panel},
    plot::{Axis, Frame, Ink, Margin, beside, marker, px, whisker},
    rows::{Palette, first_probe, frozen_score, mean_cost, spaced},
    table::{Column, Entry, Notes, Table},
};
use crate::{
    board::{Board, Row, System},
    result::{Cost, PhaseCost},
    statistics,
};

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

/// A phase, and its part of the cost.
type Phase = (&'static str, fn(&Cost) -> &PhaseCost);

const PHASES: [Phase; 4] = [
    ("pretrain", |cost| &cost.pretrain),
    ("encode", |cost| &cost.encode),
    ("probe", |cost| &cost.probe),
    ("end to end", |cost| &cost.finetune),
];

/// Sizes of encoders, and time, throughput and memory of each phase, averaged over seeds; none without encoders.
pub(super) fn table(system: &System<'_>) -> Option<Markup> {
    let encoders: Vec<_> = system
        .rows
        .iter()
        .filter_map(|row| Some((row, row.results.iter().find_map(|result| result.encoder.as_ref())?)))
        .collect();
    let seconds = |row: &Row<'_>, of: fn(&Cost) -> &PhaseCost| mean_cost(row, |cost| of(cost).seconds);
    let phases: Vec<Phase> = PHASES
        .into_iter()
        .filter(|(_, of)| encoders.iter().any(|(row, _)| seconds(row, *of).is_some_and(|s| s > 0.0)))
        .collect();
    let mut columns = vec![Column::text("Method"), Column::number("weights"), Column::text("tokens × dim")];
    for (name, _) in &phases {
        columns.extend(["s", "clips/s", "MiB"].map(|unit| Column::number(format!("{name} {unit}"))));
    }
    let positive = |value: Option<f64>| value.filter(|&value| value > 0.0);
    let line = |(row, facts): &(&Row<'_>, &crate::result::EncoderFacts)| {
        let mut entries = vec![
            Entry::text(row.name()),
            Entry::number(Some(facts.encoder_parameters as f64), 0),
            Entry::text(format!("{} × {}", facts.tokens, facts.dim)),
        ];
        for (_, of) in &phases {
            let seconds = positive(seconds(row, *of));
            let samples = positive(mean_cost(row, |cost| of(cost).samples as f64));
            let peaks: Vec<f64> =
                row.results.iter().filter_map(|r| of(&r.cost).peak_memory_mib).map(|mib| mib as f64).collect();
            let rate = samples.zip(seconds).map(|(samples, seconds)| samples / seconds);
            entries.extend([Entry::number(seconds, 1), Entry::number(rate, 0)]);
            entries.push(Entry::number(statistics::mean(&peaks).filter(|_| seconds.is_some()), 0));
        }
        entries
    };
    let rows: Vec<_> = encoders.iter().map(line).collect();
    let caption = html! {
        (spaced(system.name)) ": what each phase took, the mean over seeds, and the most memory held meanwhile, what earlier phases "
        "left included."
    };
    let id = format!("cost-{}", system.name);
    (!rows.is_empty()).then(|| Table { id, caption, columns, rows, notes: Notes::default(), rule: None }.render())
}
