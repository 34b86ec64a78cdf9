//! Marks: the shapes that stand for values.

use std::fmt::Write;

use maud::{Markup, html};

use super::length::px;

/// The look of the marks of one row. The shape distinguishes rows where colours do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ink {
    /// The index of its colour.
    pub colour: usize,
    /// The index of its shape.
    pub shape: usize,
    /// Whether marks are empty and lines dashed: random weights.
    pub hollow: bool,
}

impl Ink {
    /// The classes of a group of such marks.
    pub fn class(self) -> String {
        format!("c{}{}", self.colour, if self.hollow { " hollow" } else { "" })
    }
}

/// The number of shapes.
pub(crate) const SHAPES: usize = 7;

/// A mark at a point.
pub(crate) fn marker(ink: Ink, [x, y]: [f64; 2], radius: f64) -> Markup {
    let corners = |turn: f64, count: usize, radius: f64| -> String {
        let mut path = String::new();
        for corner in 0..count {
            let angle = turn + std::f64::consts::TAU * corner as f64 / count as f64;
            let (dx, dy) = (radius * angle.sin(), -radius * angle.cos());
            let verb = if corner == 0 { 'M' } else { 'L' };
            write!(path, "{verb}{} {}", px(x + dx), px(y + dy)).expect("writing to a string cannot fail");
        }
        path + "Z"
    };
    let r = radius;
    html! {
        @match ink.shape % SHAPES {
            0 => circle class="mark" cx=(px(x)) cy=(px(y)) r=(px(r)) {},
            1 => rect class="mark" x=(px(x - 0.9 * r)) y=(px(y - 0.9 * r)) width=(px(1.8 * r)) height=(px(1.8 * r)) {},
            2 => path class="mark" d=(corners(0.0, 3, 1.3 * r)) {},
            3 => path class="mark" d=(corners(0.0, 4, 1.3 * r)) {},
            4 => path class="mark" d=(corners(std::f64::consts::PI, 3, 1.3 * r)) {},
            5 => path class="mark" d=(cross([x, y], r)) {},
            _ => path class="mark" d=(corners(0.0, 5, 1.2 * r)) {},
        }
    }
}

/// An upright cross with arms.
fn cross([x, y]: [f64; 2], radius: f64) -> String {
    let (arm, half) = (1.25 * radius, 0.45 * radius);
    let steps = [
        [-half, -arm],
        [half, -arm],
        [half, -half],
        [arm, -half],
        [arm, half],
        [half, half],
        [half, arm],
        [-half, arm],
        [-half, half],
        [-arm, half],
        [-arm, -half],
        [-half, -half],
    ];
    let points: Vec<String> = steps.iter().map(|[dx, dy]| format!("{} {}", px(x + dx), px(y + dy))).collect();
    format!("M{}Z", points.join("L"))
}

/// A line through points.
pub(crate) fn line(points: &[[f64; 2]], class: &str) -> Markup {
    let points: Vec<String> = points.iter().map(|[x, y]| format!("{},{}", px(*x), px(*y))).collect();
    html! { polyline class=(class) points=(points.join(" ")) {} }
}

/// An interval of the y axis.
pub(crate) fn whisker(x: f64, low: f64, high: f64) -> Markup {
    html! { line class="whisker" x1=(px(x)) x2=(px(x)) y1=(px(low)) y2=(px(high)) {} }
}

/// An interval of the x axis.
pub(crate) fn bar(y: f64, low: f64, high: f64) -> Markup {
    html! { line class="whisker" x1=(px(low)) x2=(px(high)) y1=(px(y)) y2=(px(y)) {} }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_differ_and_stand_where_they_are_put() {
        let drawn: Vec<String> = (0..SHAPES)
            .map(|shape| marker(Ink { colour: 0, shape, hollow: false }, [40.0, 50.0], 4.0).into_string())
            .collect();
        for (place, one) in drawn.iter().enumerate() {
            assert!(!drawn[place + 1..].contains(one), "{one}");
        }
        assert!(drawn[0].contains(r#"cx="40" cy="50" r="4""#), "{}", drawn[0]);
    }
}
