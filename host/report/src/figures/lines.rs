//! A panel with a line for each row: errors, with their intervals, along an axis. Names stand at the right end.

use maud::{Markup, html};
use physrep_benchmarks::label_scale::Scale;

use super::palette::Palette;
use crate::{
    leaderboard::{Estimate, Row},
    plot::{Axis, Frame, Margin, line, marker, px, spread, text_width, whisker},
};

/// The errors of a row, each at its place on the axis, from left to right.
pub(super) struct Series<'s, 'a> {
    pub row: &'s Row<'a>,
    pub points: Vec<(f64, Estimate)>,
}

/// The size of the panel.
pub(super) const SIZE: [f64; 2] = [420.0, 290.0];

/// The lines of all rows along the axis `x`, which is called `name`, on a logarithmic axis of errors. `mean` is the error of predicting the
/// mean, where it is the same along the axis.
pub(super) fn drawing(series: &[Series<'_, '_>], x: Axis, name: &str, mean: Option<f64>, palette: &Palette) -> Markup {
    let named: Vec<&Series<'_, '_>> = series.iter().filter(|series| !palette.ink(series.row).hollow).collect();
    let longest = named.iter().map(|series| text_width(&series.row.name())).fold(0.0, f64::max).min(150.0);
    let errors = series.iter().flat_map(|series| &series.points).map(|(_, error)| error.mse);
    let frame = Frame {
        size: SIZE,
        margin: Margin { left: 38.0, right: longest + 36.0, top: 44.0, bottom: 40.0 },
        x,
        y: Axis::over(Scale::Log10, errors.chain(mean)),
    };
    let class = |row: &Row<'_>| palette.class(row) + if row.is_floor() { " thin" } else { "" };
    let last = |series: &Series<'_, '_>| series.points.last().map_or(0.0, |(_, error)| frame.at_y(error.mse));
    let mean = mean.map(|mean| frame.at_y(mean));
    let ends: Vec<f64> = named.iter().map(|series| last(series)).chain(mean).collect();
    let heights = spread(&ends, 13.0, [frame.top(), frame.bottom()]);
    html! {
        (frame.axes(name, "MSE"))
        @if let Some(y) = mean {
            line class="reference" x1=(px(frame.left())) x2=(px(frame.right())) y1=(px(y)) y2=(px(y)) {}
        }
        @for hollow in [true, false] {
            @for Series { row, points } in series.iter().filter(|series| palette.ink(series.row).hollow == hollow) {
                g class=(class(row)) {
                    @let path: Vec<[f64; 2]> = points.iter().map(|(x, error)| [frame.at_x(*x), frame.at_y(error.mse)]).collect();
                    (line(&path, "line"))
                    @for ((_, error), [x, y]) in points.iter().zip(&path) {
                        @if let Some(interval) = error.interval {
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
                Some(Series { row, .. }) => {
                    g class=(class(row)) { (marker(palette.ink(row), [x + 22.0, *height], 3.0)) }
                    text x=(px(x + 29.0)) y=(px(height + 3.5)) { (row.name()) }
                },
                None => text class="note" x=(px(x + 19.0)) y=(px(height + 3.5)) { "mean" },
            }
        }
    }
}
