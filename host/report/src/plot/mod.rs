//! Plots as SVG.

mod axis;
mod frame;
mod labels;
mod length;
mod marks;

pub(crate) use axis::Axis;
pub(crate) use frame::{Frame, Margin};
pub(crate) use labels::{beside, spread, text_width};
pub(crate) use length::px;
pub(crate) use marks::{Ink, bar, line, marker, whisker};
