//! `physrep-bench data show`: a contact sheet of a system, to see at a glance what its parameters do.
//!
//! Rows are sets of parameters, the corners and the middle of the grid; columns are times. Panels have the domain's aspect
//! ratio, `y` points up, and grids that are not uniform are drawn where their points are. The same input gives the same bytes.

mod canvas;
mod cases;
mod colours;
mod films;
mod grid;
mod quantity;
mod raster;
mod sheet;

use std::path::PathBuf;

use physrep_benchmarks::{
    suite::Suite,
    systems::{Resolution, System},
};

use crate::{Error, Result, display::Display, files};
pub(crate) use grid::{channel, pictures};
use quantity::Quantity;
pub(crate) use sheet::number;

/// What to show.
pub struct Show<'a> {
    /// The system.
    pub system: &'a dyn System,
    /// The suite that says which parameters, times and grid to solve; not needed with `data`.
    pub suite: Suite,
    /// The PNG file to write.
    pub out: PathBuf,
    /// The folder of The Well's files to read instead of solving; it holds `SYSTEM/data`.
    pub data: Option<PathBuf>,
    /// A field, a channel such as `velocity_x`, or `vorticity`; each system has a default.
    pub field: Option<String>,
    /// The grid `[nx, ny]` of the frames instead of the suite's; the equations are solved on one finer as in the suite.
    pub resolution: Option<[usize; 2]>,
}

/// Draws the sheet and writes it.
///
/// # Errors
/// [`Error::Usage`] for a field that the system does not have; [`Error::Data`] if a trajectory cannot be solved or read;
/// [`Error::File`] and [`Error::Io`] for the picture's file.
pub fn run(show: &Show) -> Result<()> {
    let display = Display::default();
    let quantity = Quantity::of(show.system.name(), &show.system.fields(), show.field.as_deref())?;
    let columns = sheet::columns(&show.system.axes(), 5);
    let films = match &show.data {
        Some(data) => films::read(show.system, data, &quantity, columns)?,
        None => {
            let (section, generation) = show.suite.generation(show.system)?;
            let resolution = match show.resolution {
                None => section.resolution(generation),
                Some(store) => {
                    let solve = [0, 1].map(|axis| finer(store[axis], generation.solve[axis], section.store[axis]));
                    Resolution { solve, store }
                }
            };
            films::solve(show.system, section, generation, resolution, &quantity, columns, &display)?
        }
    };
    let canvas = sheet::draw(show.system, &quantity, &films);
    let bytes = canvas.png().map_err(|e| Error::File { path: show.out.clone(), reason: format!("no PNG: {e}") })?;
    files::write(&show.out, &bytes)?;
    display.finish(show.system.name(), &format!("{}", show.out.display()));
    Ok(())
}

/// The points to solve on for `points` to keep, in the ratio `solve / store`, rounded up to an even number.
fn finer(points: usize, solve: usize, store: usize) -> usize {
    points.saturating_mul(solve).div_ceil(store).next_multiple_of(2)
}
