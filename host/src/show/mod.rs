//! `physrep-bench data show`: a contact sheet that shows the effect of a system's parameters.
//!
//! Rows are sets of parameters, the corners and the middle of their ranges; columns are times. Panels have the domain's aspect ratio,
//! `y` points up, and non-uniform grids are drawn to scale. The same input gives the same bytes.

mod cases;
#[cfg(test)]
mod tests;
mod trajectories;

use std::path::PathBuf;

use physrep_benchmarks::{
    suite::Suite,
    systems::{Resolution, System},
};
use physrep_records::files;
use physrep_report::contact_sheet::{self, Quantity};

use crate::{display::Display, error::Result};

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
    /// The grid `[nx, ny]` of the frames instead of the suite's; the equations are solved on a grid finer by the suite's ratio.
    pub resolution: Option<[usize; 2]>,
}

/// Draws the sheet and writes it.
///
/// # Errors
///
/// If the system does not have the field, a trajectory can be neither solved nor read, or the picture cannot be written.
pub fn run(show: &Show) -> Result<()> {
    let display = Display::default();
    let quantity = Quantity::of(show.system, show.field.as_deref())?;
    let columns = contact_sheet::columns(&show.system.axes(), 5);
    let shown = match &show.data {
        Some(data) => trajectories::read(show.system, data, &quantity, columns)?,
        None => {
            let (section, generation) = show.suite.generation(show.system)?;
            let resolution = match show.resolution {
                None => section.resolution(generation),
                Some(store) => {
                    let solve = [0, 1].map(|axis| finer(store[axis], generation.solve[axis], section.store[axis]));
                    Resolution { solve, store }
                }
            };
            trajectories::solve(show.system, section, generation, resolution, &quantity, columns, &display)?
        }
    };
    let bytes = contact_sheet::draw(show.system, &quantity, &shown)?;
    files::write(&show.out, &bytes)?;
    display.finish(show.system.name(), &format!("{}", show.out.display()));
    Ok(())
}

/// The points to solve on for `points` to keep, in the ratio `solve / store`, rounded up to an even number.
fn finer(points: usize, solve: usize, store: usize) -> usize {
    points.saturating_mul(solve).div_ceil(store).next_multiple_of(2)
}
