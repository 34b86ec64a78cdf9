//! The files that a generation writes.

use std::path::{Path, PathBuf};

use crate::split::Split;
use crate::suite::{Generation, SystemSuite, Trajectory, trajectories};
use crate::well;

/// The most trajectories of one file: files are the unit in which data is checked in parallel.
const FILE: usize = 16;

/// A file to write: some trajectories of one split.
pub(crate) struct PlannedFile {
    pub split: Split,
    pub path: PathBuf,
    pub trajectories: Vec<Trajectory>,
}

/// The files of a generated section, in the order of their trajectories, which is that of their names in each split.
pub(crate) fn plan(section: &SystemSuite, generation: &Generation, seed: u64, data: &Path) -> Vec<PlannedFile> {
    let trajectories = trajectories(section, generation, seed);
    let of_split = trajectories.chunk_by(|a, b| a.split == b.split);
    of_split
        .flat_map(|all| all.chunks(FILE).enumerate())
        .map(|(number, chunk)| {
            let split = chunk[0].split;
            let name = format!("{}_{split}_{number:04}.hdf5", section.name);
            let path = well::split_folder(data, &section.name, split).join(name);
            PlannedFile { split, path, trajectories: chunk.to_vec() }
        })
        .collect()
}
