//! The files that a generation writes.

use std::path::{Path, PathBuf};

use crate::split::Split;
use crate::suite::{Generation, SystemSuite, Trajectory, trajectories};
use crate::well;

/// A file to write: one split of one set of parameters.
pub(crate) struct PlannedFile {
    pub split: Split,
    pub path: PathBuf,
    pub trajectories: Vec<Trajectory>,
}

/// The files of a generated section, in the order of their trajectories.
pub(crate) fn plan(section: &SystemSuite, generation: &Generation, seed: u64, data: &Path) -> Vec<PlannedFile> {
    let trajectories = trajectories(section, generation, seed);
    trajectories
        .chunk_by(|a, b| (a.split, a.set) == (b.split, b.set))
        .map(|chunk| {
            let split = chunk[0].split;
            let names = section.parameters.iter().map(|p| p.name.as_str());
            let name = well::file_name(&section.name, names.zip(chunk[0].case.parameters.iter().copied()));
            let path = well::split_folder(data, &section.name, split).join(name);
            PlannedFile { split, path, trajectories: chunk.to_vec() }
        })
        .collect()
}
