//! Sample fields of a system: a few frames of a few test trajectories, without and with the suite's noise.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    files,
};

/// The most points of a grid.
const MOST_POINTS: usize = 1 << 26;

/// Sample fields of one system. The report shows them; no score depends on them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleFields {
    /// The physical system.
    pub system: String,
    /// BLAKE3 of the packed data that the samples are cut from.
    pub data_checksum: String,
    /// The channel that is shown.
    pub channel: String,
    /// Points of the grid, `[nx, ny]`.
    pub grid: [usize; 2],
    /// Frames per window that encoders see.
    pub context_frames: usize,
    /// Standard deviation of the suite's Gaussian noise, of normalised values.
    pub noise: f64,
    /// The samples.
    pub samples: Vec<Sample>,
}

/// Some frames of one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The index of the trajectory in the packed data.
    pub trajectory: usize,
    /// The physical parameters: name and value.
    pub parameters: Vec<(String, f64)>,
    /// Whether the suite's noise was added.
    pub noisy: bool,
    /// The index of each frame in its trajectory.
    pub frames: Vec<usize>,
    /// The time of each frame (non-dimensional).
    pub times: Vec<f64>,
    /// The channel in each frame, `(nx, ny)` row-major, normalised as encoders see it.
    pub values: Vec<Vec<f32>>,
}

impl SampleFields {
    /// The file of a system's samples in the folder of a run.
    pub fn file(run: &Path, system: &str) -> PathBuf {
        run.join("samples").join(format!("{system}.json"))
    }

    /// The samples of a system in the folder of a run; none if the file does not exist.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn read(run: &Path, system: &str) -> Result<Option<Self>> {
        let path = Self::file(run, system);
        if !path.is_file() {
            return Ok(None);
        }
        let fields: Self = files::read_json(&path)?;
        fields.check(system).map(|()| Some(fields)).map_err(|reason| Error::File { path, reason })
    }

    /// Checks that the fields are of `system`, and that there are as many values as their grid has points.
    fn check(&self, system: &str) -> Result<(), String> {
        if self.system != system {
            return Err(format!("`system` is {:?}; expected {system}", self.system));
        }
        let [nx, ny] = self.grid;
        let points = nx.checked_mul(ny).filter(|points| (1..=MOST_POINTS).contains(points));
        let points = points.ok_or_else(|| format!("`grid` is [{nx}, {ny}]; expected up to {MOST_POINTS} points"))?;
        for sample in &self.samples {
            let lengths = [sample.frames.len(), sample.times.len(), sample.values.len()];
            if lengths != [lengths[0]; 3] || sample.values.iter().any(|values| values.len() != points) {
                return Err(format!(
                    "trajectory {}: expected as many times and fields as `frames`, {}, and {points} values in each field",
                    sample.trajectory, lengths[0]
                ));
            }
        }
        Ok(())
    }

    /// Writes the samples into the folder of a run.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, run: &Path) -> Result<()> {
        files::write_compact_json(&Self::file(run, &self.system), self)
    }
}
