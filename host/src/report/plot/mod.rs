//! Plots of the report as SVG: what it takes and no more.

mod axis;
mod frame;
mod labels;
mod marks;

pub(super) use axis::Axis;
pub(super) use frame::{Frame, Margin};
pub(super) use labels::{beside, spread, text_width};
pub(super) use marks::{Ink, bar, line, marker, whisker};

/// A length on paper with a tenth of a pixel: enough for the eye, and short.
pub(super) fn px(length: f64) -> String {
    let text = format!("{length:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".into(),
        Some(whole) => whole.into(),
        None => text,
    }
}
