//! What one file holds.

use serde::{Deserialize, Serialize};

use super::findings::Findings;
use crate::systems::{Boundary, Rank};
use crate::well::Moments;

/// What one file holds, and what was found in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The file's size.
    pub bytes: u64,
    /// What the file holds; `None` if it cannot be read.
    pub contents: Option<Contents>,
    /// What was found.
    pub findings: Findings,
}

/// What one file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contents {
    /// What kind of file it is.
    pub kind: FileKind,
    /// The data set's name, which is the system's.
    pub dataset: String,
    /// Number of trajectories.
    pub trajectories: usize,
    /// The grid, `x` first.
    pub axes: Vec<AxisReport>,
    /// Frames of a trajectory.
    pub frames: usize,
    /// Time of the first and of the last frame (non-dimensional).
    pub times: [f64; 2],
    /// The physical parameters.
    pub parameters: Vec<ParameterReport>,
    /// The fields; of a packed file, its channels.
    pub fields: Vec<FieldReport>,
    /// Statistics of each channel, if the values were read.
    pub channels: Vec<ChannelReport>,
    /// A hash of the values of each trajectory (blake3), if they were read; none for one that could not be read whole.
    pub hashes: Vec<Option<String>>,
}

/// The kinds of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum FileKind {
    /// A file of The Well.
    Well,
    /// A packed file.
    Packed {
        /// The suite that it was packed for, with its version.
        suite: String,
        /// Number of trajectories of each split.
        splits: Vec<(String, usize)>,
        /// The checksum of the values that the file carries.
        checksum: String,
    },
}

/// One axis of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisReport {
    /// The name.
    pub name: String,
    /// Number of points.
    pub points: usize,
    /// The boundary condition.
    pub boundary: Boundary,
    /// Coordinates of the first and the last point (non-dimensional).
    pub ends: [f64; 2],
}

/// One physical parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterReport {
    /// The name.
    pub name: String,
    /// The values that occur, ascending.
    pub values: Vec<f64>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldReport {
    /// The name.
    pub name: String,
    /// The tensor rank.
    pub rank: Rank,
    /// The shape: `(trajectories, times, nx, ny)` and one axis of length 2 for each tensor order.
    pub shape: Vec<usize>,
    /// The type of the values, such as `float32`.
    pub dtype: String,
    /// How the values are kept: `contiguous`, or chunks and filters.
    pub storage: String,
    /// Bytes that the values take in the file.
    pub bytes: u64,
}

/// One component of a field, over all finite frames of all trajectories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelReport {
    /// The name, such as `velocity_x`.
    pub name: String,
    /// The smallest and the largest value; `None` if none is finite.
    pub range: Option<[f32; 2]>,
    /// Moments of the values.
    pub values: Moments,
    /// Moments of the differences between one frame and the next.
    pub deltas: Moments,
    /// Whether no frame varies in space.
    pub constant: bool,
}

impl Contents {
    /// Whether all values were read.
    pub fn is_read(&self) -> bool {
        !self.hashes.is_empty() && self.hashes.iter().all(Option::is_some)
    }

    /// The contents of this file and another one of the same data set together, without hashes.
    pub fn with(mut self, other: &Self) -> Self {
        self.trajectories += other.trajectories;
        for (all, one) in self.parameters.iter_mut().zip(&other.parameters) {
            *all = ParameterReport::new(&all.name, all.values.iter().chain(&one.values).copied());
        }
        for (all, one) in self.fields.iter_mut().zip(&other.fields) {
            all.shape[0] += one.shape[0];
            all.bytes += one.bytes;
        }
        for (all, one) in self.channels.iter_mut().zip(&other.channels) {
            all.range = match (all.range, one.range) {
                (Some([a, b]), Some([c, d])) => Some([a.min(c), b.max(d)]),
                (range, None) | (None, range) => range,
            };
            all.values = all.values.merge(one.values);
            all.deltas = all.deltas.merge(one.deltas);
            all.constant &= one.constant;
        }
        self.hashes.clear();
        self
    }
}

impl ParameterReport {
    /// The parameter, with the distinct ones of `values`.
    pub fn new(name: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        Self { name: name.into(), values }
    }
}
