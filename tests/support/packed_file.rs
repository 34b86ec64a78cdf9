//! Writes a packed file of shear flow in the suite `tiny`, whose values are their own indices.

use std::{fs, io::Write, path::Path};

use physrep_benchmarks::{
    PerSplit,
    packed::{FORMAT, PackedAxis, PackedChannel, PackedHeader, PackedTrajectory},
    systems::{Boundary, Rank},
    well::ChannelStats,
};

/// The shape of a packed file.
#[derive(Clone, Copy)]
pub struct Form {
    pub trajectories: usize,
    pub channels: usize,
    pub frames: usize,
    pub grid: [usize; 2],
}

impl Form {
    /// The value at an index into all values.
    pub fn value(index: usize) -> f32 {
        index as f32 * 1e-3
    }

    /// Writes the file: its layout is documented in `physrep_benchmarks::packed`.
    pub fn write(self, path: &Path) {
        let axis = |name: &str, points: usize| PackedAxis {
            name: name.into(),
            boundary: Boundary::Periodic,
            coordinates: (0..points).map(|i| i as f64).collect(),
        };
        let channel = |index: usize| PackedChannel {
            name: format!("channel_{index}"),
            field: format!("channel_{index}"),
            rank: Rank::Scalar,
            component: 0,
            stats: ChannelStats { mean: 0.0, std: 1.0 },
            constant: false,
        };
        let len = self.channels * self.frames * self.grid[0] * self.grid[1];
        let values = |index| (index * len..(index + 1) * len).flat_map(|index| Self::value(index).to_le_bytes());
        let trajectory = |index| PackedTrajectory {
            file: "made.hdf5".into(),
            index,
            regime: None,
            raw: Vec::new(),
            labels: Vec::new(),
            checksum: blake3::hash(&values(index).collect::<Vec<u8>>()).to_hex().to_string(),
        };
        let all = self.trajectories;
        let header = PackedHeader {
            format: FORMAT,
            system: "shear_flow".into(),
            suite: "tiny".into(),
            suite_version: 1,
            source: String::new(),
            checksum: String::new(),
            channels: (0..self.channels).map(channel).collect(),
            frames: self.frames,
            axes: [axis("x", self.grid[0]), axis("y", self.grid[1])],
            dt: 1.0,
            scalings: Vec::new(),
            splits: PerSplit { train: 0..all, valid: all..all, test: all..all, held_out: all..all },
            trajectories: (0..all).map(trajectory).collect(),
        };
        let mut bytes = header.to_bytes();
        bytes.extend((0..all).flat_map(values));
        fs::File::create(path).expect("writable").write_all(&bytes).expect("writable");
    }
}
