//! A contact sheet: what the parameters of a system do, at a glance.
//!
//! Rows are trajectories with different parameters, columns are times. Panels have the aspect ratio of the domain, `y` points upwards, and
//! grids that are not uniform are drawn at the true positions of their points. The same input gives the same bytes.

mod draw;
mod quantity;
mod trajectories;

pub use draw::{columns, draw};
pub use quantity::Quantity;
pub use trajectories::{Trajectories, Trajectory};
