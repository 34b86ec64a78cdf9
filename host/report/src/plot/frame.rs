//! What surrounds the data: two axes, a grid, and the names of the axes.

use maud::{Markup, html};

use super::{axis::Axis, labels::text_width, length::px};

/// The space around the data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Margin {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// A rectangle of data on paper.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Width and height of the whole panel.
    pub size: [f64; 2],
    pub margin: Margin,
    pub x: Axis,
    pub y: Axis,
}

impl Frame {
    /// The place of a value of the x axis, in pixels.
    pub fn at_x(&self, value: f64) -> f64 {
        self.left() + self.x.place(value) * (self.right() - self.left())
    }

    /// The place of a value of the y axis, in pixels.
    pub fn at_y(&self, value: f64) -> f64 {
        self.bottom() - self.y.place(value) * (self.bottom() - self.top())
    }

    pub fn left(&self) -> f64 {
        self.margin.left
    }

    pub fn right(&self) -> f64 {
        self.size[0] - self.margin.right
    }

    pub fn top(&self) -> f64 {
        self.margin.top
    }

    pub fn bottom(&self) -> f64 {
        self.size[1] - self.margin.bottom
    }

    /// The grid, its ticks, and the names of both axes. The name of the y axis stands above it, since sideways text is hard to read.
    pub fn axes(&self, x_name: &str, y_name: &str) -> Markup {
        html! {
            (self.x_axis(x_name))
            @for (tick, text) in self.y.written() {
                @let y = self.at_y(tick);
                line class="grid" x1=(px(self.left())) x2=(px(self.right())) y1=(px(y)) y2=(px(y)) {}
                text class="tick" text-anchor="end" x=(px(self.left() - 6.0)) y=(px(y + 3.5)) { (text) }
            }
            text class="axis-name" x="0" y=(px(self.top() - 9.0)) { (y_name) }
        }
    }

    /// The x axis only, with grid lines through the height of the data.
    pub fn x_axis(&self, name: &str) -> Markup {
        let mut written = f64::NEG_INFINITY;
        let ticks: Vec<(f64, Option<String>)> = self
            .x
            .written()
            .map(|(tick, text)| {
                let x = self.at_x(tick);
                let half = text_width(&text) / 2.0;
                // A tick label that would touch the one before it is left out; its grid line stays.
                let free = x - half > written;
                written = if free { x + half + 6.0 } else { written };
                (x, free.then_some(text))
            })
            .collect();
        html! {
            @for (x, text) in ticks {
                line class="grid" x1=(px(x)) x2=(px(x)) y1=(px(self.top())) y2=(px(self.bottom())) {}
                @if let Some(text) = text {
                    text class="tick" text-anchor="middle" x=(px(x)) y=(px(self.bottom() + 16.0)) { (text) }
                }
            }
            line class="axis" x1=(px(self.left())) x2=(px(self.right())) y1=(px(self.bottom())) y2=(px(self.bottom())) {}
            text class="axis-name" text-anchor="end" x=(px(self.right())) y=(px(self.bottom() + 32.0)) { (name) }
        }
    }
}
