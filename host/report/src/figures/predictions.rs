//! The estimate of each test trajectory against its true parameter, in physical units.

use std::ops::RangeInclusive;

use maud::html;
use physrep_benchmarks::{Split, label_scale::Scaling};
use physrep_records::Track;

use super::{
    figure::{Data, Figure, Panel},
    names::{file_name, spaced},
    palette::Palette,
};
use crate::{
    leaderboard::{Row, SystemLeaderboard},
    plot::{Axis, Frame, Margin, line, marker},
};

/// One figure per parameter, one panel per frozen pretrained encoder and one of the floor on hand-made features.
pub(crate) fn figures(system: &SystemLeaderboard<'_>, palette: &Palette) -> Vec<Figure> {
    let Some(probe) = system.first_probe() else { return Vec::new() };
    let parameters = system.rows.iter().find_map(|row| row.records.first()).map(|record| &record.parameters);
    let figure = |(index, scaling): (usize, &Scaling)| {
        let header = [
            "system",
            "method",
            "initialisation",
            "probe",
            "parameter",
            "seed",
            "trajectory",
            "true_label",
            "predicted_label",
        ];
        let mut data = Data::new(&[header.as_slice(), &["true", "predicted"]].concat());
        let rows: Vec<(&Row<'_>, Vec<Point>)> = system
            .rows
            .iter()
            .filter(|row| {
                row.identity.initialisation.is_pretrained() || row.is_elsewhere() || row.identity.method == "features"
            })
            .map(|row| (row, points(row, probe_of(row, probe), index, scaling)))
            .filter(|(_, points)| !points.is_empty())
            .collect();
        let truths: Vec<f64> = rows.iter().flat_map(|(_, points)| points).map(|point| point.truth[1]).collect();
        let values =
            || rows.iter().flat_map(|(_, points)| points).flat_map(|point| [point.truth[1], point.predicted[1]]);
        // Without the estimates that are far off, which would squeeze all others into a corner.
        let near = near(scaling, &truths);
        let axis = Axis::over(scaling.scale, values().filter(|value| near.contains(&scaling.label(*value))));
        let shown = match rows.iter().any(|(_, points)| points.len() > MARKS) {
            true => format!(" The first {MARKS} of each method are drawn; the CSV has all."),
            false => String::new(),
        };
        let panels = rows.iter().map(|(row, points)| {
            for point in points {
                data.push([
                    system.name.into(),
                    row.methods(),
                    row.identity.initialisation.to_string(),
                    probe_of(row, probe).into(),
                    scaling.name.clone(),
                    point.seed.to_string(),
                    point.trajectory.to_string(),
                    point.labels[0].to_string(),
                    point.labels[1].to_string(),
                    point.truth[1].to_string(),
                    point.predicted[1].to_string(),
                ]);
            }
            panel(row, points, &axis, palette)
        });
        let panels: Vec<Panel> = panels.collect();
        (!panels.is_empty()).then(|| Figure {
            name: format!("predictions-{}-{}", file_name(system.name), file_name(&scaling.name)),
            title: format!("{}: {}, predicted against true.", spaced(system.name), scaling.name),
            caption: format!(
                "Each mark is a test trajectory: the mean over its windows of the estimates of the {probe} probe (features: ridge) on the \
                 frozen encoder, with all labels, in physical units. The line is where both are equal. Marks on an edge lie beyond it.{shown}"
            ),
            columns: 3,
            panels,
            data,
        })
    };
    parameters.into_iter().flatten().enumerate().filter_map(figure).collect()
}

fn probe_of<'p>(row: &Row<'_>, probe: &'p str) -> &'p str {
    if row.is_floor() { "ridge" } else { probe }
}

/// The most marks in a panel: more of them hide each other, and make a page that no browser shows.
const MARKS: usize = 2000;

/// A test trajectory and its estimate by one seed.
struct Point {
    seed: u64,
    trajectory: u32,
    /// The true label and the predicted one.
    labels: [f32; 2],
    /// The true label and the parameter that it stands for.
    truth: [f64; 2],
    /// The predicted label and the parameter that it stands for.
    predicted: [f64; 2],
}

fn points(row: &Row<'_>, probe: &str, index: usize, scaling: &Scaling) -> Vec<Point> {
    let mut points = Vec::new();
    for record in &row.records {
        let score = record.score(Track::Frozen, probe, 1.0, Split::Test);
        let parameter = score.and_then(|score| score.parameters.get(index));
        let test = record.splits.get(&Split::Test);
        let (Some(parameter), Some(test)) = (parameter, test) else { continue };
        let Some(truth) = test.labels.get(index) else { continue };
        let raw = |label: f32| [f64::from(label), scaling.raw(f64::from(label))];
        for ((trajectory, truth), predicted) in test.index.iter().zip(truth).zip(&parameter.predicted) {
            points.push(Point {
                seed: record.identity.seed,
                trajectory: *trajectory,
                labels: [*truth, *predicted],
                truth: raw(*truth),
                predicted: raw(*predicted),
            });
        }
    }
    points
}

/// The labels that lie no farther beyond the true ones than half of their range.
fn near(scaling: &Scaling, truths: &[f64]) -> RangeInclusive<f64> {
    let labels = truths.iter().map(|&truth| scaling.label(truth));
    let (low, high) = labels.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), l| (low.min(l), high.max(l)));
    let room = 0.5 * (high - low).max(1.0);
    low - room..=high + room
}

fn panel(row: &Row<'_>, points: &[Point], axis: &Axis, palette: &Palette) -> Panel {
    let frame = Frame {
        size: [250.0, 272.0],
        margin: Margin { left: 42.0, right: 14.0, top: 42.0, bottom: 38.0 },
        x: axis.clone(),
        y: axis.clone(),
    };
    let ink = palette.ink(row);
    let ends = [axis.low, axis.high].map(|end| [frame.at_x(end), frame.at_y(end)]);
    let drawing = html! {
        (frame.axes("true", "predicted"))
        (line(&ends, "reference"))
        g class={ "dots " (palette.class(row)) } {
            @for point in points.iter().take(MARKS) { (marker(ink, [frame.at_x(point.truth[1]), frame.at_y(point.predicted[1])], 3.2)) }
        }
    };
    let (n, error) = (points.len() as f64, |point: &Point| (point.truth[0] - point.predicted[0]).powi(2));
    let mse = points.iter().map(error).sum::<f64>() / n;
    Panel {
        title: row.name(),
        description: format!(
            "{} test trajectories; mean squared error of the scaled label by trajectory: {mse:.3}.",
            points.len()
        ),
        size: frame.size,
        drawing,
    }
}
