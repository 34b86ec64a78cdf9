//! The header of a packed file.

use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::label_scale::Scaling;
use crate::regime::Regime;
use crate::split::{PerSplit, Split};
use crate::systems::{Boundary, Rank};
use crate::well::ChannelStats;
use crate::{Error, Result};

/// The version of the format that this crate writes and reads.
pub const FORMAT: u32 = 4;

/// The first bytes of every packed file.
pub(crate) const MAGIC: &[u8; 8] = b"PHYSPACK";
/// Bytes of magic, length and digest.
pub(super) const PREAMBLE: usize = 48;
/// Values begin at a multiple of this.
const ALIGNMENT: usize = 4096;

/// What the values of a packed file are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedHeader {
    /// The format's version, [`FORMAT`].
    pub format: u32,
    /// The system's name.
    pub system: String,
    /// The suite's name.
    pub suite: String,
    /// The suite's version.
    pub suite_version: u32,
    /// Hash of everything that the file was packed from.
    pub source: String,
    /// Hash of the values (blake3).
    pub checksum: String,
    /// The channels, in order.
    pub channels: Vec<PackedChannel>,
    /// Frames of every trajectory.
    pub frames: usize,
    /// The grid, `x` first.
    pub axes: [PackedAxis; 2],
    /// Time between two frames (non-dimensional).
    pub dt: f64,
    /// How parameters became labels, in the order of labels.
    pub scalings: Vec<Scaling>,
    /// Which trajectories belong to which split.
    pub splits: PerSplit<Range<usize>>,
    /// The trajectories, in order.
    pub trajectories: Vec<PackedTrajectory>,
}

/// One channel: a component of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedChannel {
    /// The name, such as `velocity_x`.
    pub name: String,
    /// The field it is a component of.
    pub field: String,
    /// The field's tensor rank.
    pub rank: Rank,
    /// Which component it is, row-major.
    pub component: usize,
    /// The statistics that its values were normalised with.
    pub stats: ChannelStats,
    /// Whether it is the same everywhere in all of train, such as the concentration of an incompressible fluid.
    pub constant: bool,
}

/// One axis of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedAxis {
    /// The name, `x` or `y`.
    pub name: String,
    /// The boundary condition; an axis that was cropped is open.
    pub boundary: Boundary,
    /// Positions of the points (non-dimensional).
    pub coordinates: Vec<f64>,
}

/// Where a trajectory comes from, and its labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedTrajectory {
    /// The file, relative to the data folder.
    pub file: String,
    /// Its index in that file.
    pub index: usize,
    /// Its regime, if it is held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regime: Option<Regime>,
    /// Its parameters, not scaled.
    pub raw: Vec<f64>,
    /// Its parameters, scaled to mean 0 and variance 1.
    pub labels: Vec<f64>,
    /// Hash of its values (blake3).
    pub checksum: String,
}

impl PackedHeader {
    /// The splits that have trajectories.
    pub fn splits(&self) -> impl Iterator<Item = Split> {
        Split::ALL.into_iter().filter(|&split| !self.splits[split].is_empty())
    }

    /// Points of the grid, `[nx, ny]`.
    pub fn grid(&self) -> [usize; 2] {
        self.axes.each_ref().map(|axis| axis.coordinates.len())
    }

    /// Values of one frame of one channel.
    pub(crate) fn frame_len(&self) -> usize {
        self.grid().iter().product()
    }

    /// Bytes of all values; `None` if that overflows.
    fn payload_len(&self) -> Option<usize> {
        // Trajectories come last: without any, an overflow of the other factors must still show.
        let [nx, ny] = self.grid();
        [self.channels.len(), self.frames, nx, ny, self.trajectories.len()]
            .into_iter()
            .try_fold(size_of::<f32>(), usize::checked_mul)
    }

    /// What comes before the values: magic, length, digest, header and padding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("a header is plain JSON");
        let digest = blake3::hash(&json);
        let mut bytes = [MAGIC, &(json.len() as u64).to_le_bytes()[..], digest.as_bytes(), &json].concat();
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes
    }

    /// The header of the packed file with these `bytes`, all of them, and where its values begin. `path` is what
    /// messages call the file.
    ///
    /// # Errors
    /// [`Error::Format`] if the bytes are not those of a packed file, or of one of another version, or cut off.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<(Self, usize)> {
        let fail = |place: &str, expected: String, found: String| Error::format(path, place, expected, found);
        if bytes.len() < PREAMBLE || &bytes[..8] != MAGIC {
            return Err(fail("start", "a packed file of physrep-bench".into(), "something else".into()));
        }
        let length = u64::from_le_bytes(bytes[8..16].try_into().expect("eight bytes"));
        let rest = &bytes[PREAMBLE..];
        let json = usize::try_from(length).ok().and_then(|n| rest.get(..n)).ok_or_else(|| {
            fail("header", format!("{length} bytes"), format!("{} bytes; pack the data again", rest.len()))
        })?;
        let header: Self = serde_json::from_slice(json)
            .map_err(|e| fail("header", format!("that of format {FORMAT}"), format!("{e}; pack the data again")))?;
        if header.format != FORMAT {
            let found = format!("format {}; pack the data again", header.format);
            return Err(fail("header", format!("format {FORMAT}"), found));
        }
        if blake3::hash(json) != bytes[16..PREAMBLE] {
            let advice = "pack the data again".into();
            return Err(Error::Damaged { path: path.into(), place: "the header".into(), advice });
        }
        header.check().map_err(|(expected, found)| fail("header", expected, found))?;
        let payload = (PREAMBLE + json.len()).next_multiple_of(ALIGNMENT);
        let expected = header.payload_len().and_then(|n| n.checked_add(payload));
        if expected != Some(bytes.len()) {
            let expected = expected.map_or("more bytes than there can be".into(), |n| format!("{n} bytes"));
            let found = format!("{}; the file is damaged, pack the data again", bytes.len());
            return Err(fail("size", expected, found));
        }
        Ok((header, payload))
    }

    /// Checks that the parts of the header agree; if not, what was expected and what was found.
    fn check(&self) -> Result<(), (String, String)> {
        let [nx, ny] = self.grid();
        let sizes = [self.channels.len(), self.frames, nx, ny];
        if sizes.contains(&0) {
            let expected = "at least one channel, one frame, and one point along each axis".into();
            return Err((expected, format!("{sizes:?}")));
        }
        let ranges = Split::ALL.map(|split| &self.splits[split]);
        let ends = [0, ranges[0].end, ranges[1].end, ranges[2].end, self.trajectories.len()];
        if !ranges.iter().enumerate().all(|(i, r)| r.start == ends[i] && r.end == ends[i + 1] && r.start <= r.end) {
            let expected = format!("splits that follow each other through {} trajectories", self.trajectories.len());
            return Err((expected, format!("{ranges:?}")));
        }
        let labels = self.scalings.len();
        if let Some(t) = self.trajectories.iter().find(|t| t.raw.len() != labels || t.labels.len() != labels) {
            let found = format!("{} and {} for {}, {}", t.raw.len(), t.labels.len(), t.file, t.index);
            return Err((format!("{labels} parameters and labels for each trajectory"), found));
        }
        if let Some(c) = self.channels.iter().find(|c| c.component >= c.rank.components()) {
            return Err((
                format!("a component of a {:?} field", c.rank),
                format!("component {} of {}", c.component, c.name),
            ));
        }
        Ok(())
    }
}
