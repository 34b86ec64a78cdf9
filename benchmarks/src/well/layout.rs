//! What one file of The Well holds, apart from the values of its fields.

use crate::systems::{Boundary, Field, Rank};

/// The outline of a file: everything but the fields' values.
#[derive(Clone, Debug, PartialEq)]
pub struct WellLayout {
    /// The data set's name, such as `shear_flow`.
    pub dataset: String,
    /// Number of trajectories.
    pub trajectories: usize,
    /// The times of the frames (non-dimensional).
    pub times: Vec<f64>,
    /// The grid, `x` first.
    pub axes: [WellAxis; 2],
    /// The fields in the order of the file's `field_names` attributes, scalars before vectors before tensors.
    pub fields: Vec<Field>,
    /// Constants and physical parameters.
    pub scalars: Vec<WellScalar>,
}

/// A constant or a physical parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct WellScalar {
    /// The name.
    pub name: String,
    /// One value for each trajectory of the file, or a single one for all of them.
    pub values: Vec<f64>,
}

impl WellScalar {
    /// The value of a trajectory; none if the file has fewer.
    pub fn of(&self, trajectory: usize) -> Option<f64> {
        if self.values.len() == 1 { self.values.first() } else { self.values.get(trajectory) }.copied()
    }
}

/// One axis of a file's grid.
#[derive(Clone, Debug, PartialEq)]
pub struct WellAxis {
    /// The name, `x` or `y`.
    pub name: String,
    /// The boundary condition.
    pub boundary: Boundary,
    /// The labels of the grid points.
    ///
    /// Files written by this crate hold true positions, `j L / N` on a periodic axis. Published files hold labels that
    /// include both ends (and shear flow's run from 0 to 1 on either axis): the spacing is `L / N` there too, so that
    /// distances must come from the system, never from these labels.
    pub coordinates: Vec<f32>,
}

impl WellLayout {
    /// Points of the grid, `[nx, ny]`.
    pub fn grid(&self) -> [usize; 2] {
        [self.axes[0].coordinates.len(), self.axes[1].coordinates.len()]
    }

    /// The shape of a field's dataset: `(trajectories, times, nx, ny)`, then one axis of length 2 for each tensor
    /// order.
    pub fn shape(&self, field: &Field) -> Vec<usize> {
        let [nx, ny] = self.grid();
        let mut shape = vec![self.trajectories, self.times.len(), nx, ny];
        shape.resize(4 + field.rank.order(), 2);
        shape
    }

    /// Values of one frame of a field: `nx * ny * components`.
    pub fn frame_len(&self, field: &Field) -> usize {
        let [nx, ny] = self.grid();
        nx * ny * field.rank.components()
    }
}

/// The name of a boundary condition in files; in lower case, it is part of the name of its group.
pub(super) fn boundary_type(boundary: Boundary) -> &'static str {
    match boundary {
        Boundary::Periodic => "PERIODIC",
        Boundary::Wall => "WALL",
        Boundary::Open => "OPEN",
    }
}

/// The group of the fields of a rank, such as `t1_fields`.
pub(crate) fn fields_group(rank: Rank) -> String {
    format!("t{}_fields", rank.order())
}
