//! The figures of a report. Each has panels for the page, an SVG file and the values behind it as CSV.

mod colours;
mod cost;
mod figure;
mod label_efficiency;
mod lines;
mod names;
mod overview;
mod palette;
mod predictions;
mod regimes;
mod sample_fields;
mod training;

pub(crate) use colours::{figures as figure_style, variables as colour_variables};
pub(crate) use cost::figure as cost;
pub(crate) use figure::Figure;
pub(crate) use label_efficiency::figure as label_efficiency;
pub(crate) use names::{file_name, spaced};
pub(crate) use overview::figure as overview;
pub(crate) use palette::Palette;
pub(crate) use predictions::figures as predictions;
pub(crate) use regimes::figure as regimes;
pub(crate) use sample_fields::figure as sample_fields;
pub(crate) use training::figures as training;
