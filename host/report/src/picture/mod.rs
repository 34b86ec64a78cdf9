//! Fields as pixels.

mod canvas;
mod colours;
mod frames;
mod raster;

pub(crate) use canvas::{Align, Canvas, Rgb, Style};
pub(crate) use colours::Colours;
pub(crate) use frames::pictures;
pub(crate) use raster::Raster;
