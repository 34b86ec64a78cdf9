//! The trajectories of a contact sheet, as plain data.

/// One row of the sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    /// The physical parameters, in the order of the system.
    pub parameters: Vec<f64>,
    /// The times of the frames (non-dimensional).
    pub times: Vec<f64>,
    /// The quantity at each time, `(nx, ny)` row-major.
    pub frames: Vec<Vec<f32>>,
}

/// The rows of a sheet, and what they have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectories {
    /// One trajectory per row.
    pub rows: Vec<Trajectory>,
    /// The grid `[nx, ny]`.
    pub grid: [usize; 2],
    /// Where the trajectories come from, in one line.
    pub origin: String,
}
