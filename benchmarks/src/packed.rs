//! The packed file: one system's trajectories of all splits, normalised, with their labels, mapped into memory.
//!
//! ```text
//! bytes 0..8    "PHYSPACK"
//! bytes 8..16   length of the header, u64
//! bytes 16..    header, JSON; zeros up to the next multiple of 4096
//! then          f32 values of shape (trajectory, channel, time, x, y)
//! ```
//!
//! Numbers are little-endian. A clip of a channel is one contiguous piece.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use serde::{Deserialize, Serialize};

use crate::error::IoContext;
use crate::labels::Scaling;
use crate::split::{PerSplit, Split};
use crate::suite::WindowPlan;
use crate::systems::{Boundary, Rank};
use crate::well::ChannelStats;
use crate::windows::{self, Window};
use crate::{Error, Result};

const _: () = assert!(cfg!(target_endian = "little"), "packed files are mapped as they are, in little-endian order");

/// The version of the format that this crate writes and reads.
pub const FORMAT: u32 = 2;

pub(crate) const MAGIC: &[u8; 8] = b"PHYSPACK";
const PREAMBLE: usize = 16;
const ALIGNMENT: usize = 4096;

/// What a packed file says about its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
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
    pub channels: Vec<Channel>,
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
pub struct Channel {
    /// The name, such as `velocity_x`.
    pub name: String,
    /// The field it is a component of.
    pub field: String,
    /// The field's tensor rank.
    pub rank: Rank,
    /// Which component it is, row-major.
    pub component: usize,
    /// What its values were normalised with.
    pub stats: ChannelStats,
}

/// One axis of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedAxis {
    /// The name, `x` or `y`.
    pub name: String,
    /// What holds at its ends; where only a part of the domain is kept they are open.
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
    /// Its number in that file.
    pub index: usize,
    /// Its parameters, as they are.
    pub raw: Vec<f64>,
    /// Its parameters, scaled to mean 0 and variance 1.
    pub labels: Vec<f64>,
}

impl Header {
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

    /// Bytes of all values, unless they do not fit any memory.
    fn payload_len(&self) -> Option<usize> {
        // Trajectories last: none of them must not hide that one would not fit.
        let [nx, ny] = self.grid();
        [self.channels.len(), self.frames, nx, ny, self.trajectories.len()]
            .into_iter()
            .try_fold(size_of::<f32>(), usize::checked_mul)
    }

    /// What comes before the values: magic, length, header and padding.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("a header is plain JSON");
        let mut bytes = [MAGIC.as_slice(), &(json.len() as u64).to_le_bytes(), &json].concat();
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes
    }

    /// The header of a file of those bytes, and where its values begin.
    fn parse(path: &Path, bytes: &[u8]) -> Result<(Self, usize)> {
        let fail = |place: &str, expected: String, found: String| Error::format(path, place, expected, found);
        if bytes.len() < PREAMBLE || &bytes[..8] != MAGIC {
            return Err(fail("start", "a packed file of physrep-bench".into(), "something else".into()));
        }
        let length = u64::from_le_bytes(bytes[8..PREAMBLE].try_into().expect("eight bytes"));
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

    /// Whether the parts of the header fit each other: what was expected and what was found, if not.
    fn check(&self) -> Result<(), (String, String)> {
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

/// Whether a file begins like a packed one, of whatever version and in whatever state.
pub(crate) fn is_packed(path: &Path) -> Result<bool> {
    let mut start = Vec::new();
    let file = File::open(path).at("read", path)?;
    file.take(MAGIC.len() as u64).read_to_end(&mut start).at("read", path)?;
    Ok(start == MAGIC)
}

/// An open packed file.
pub struct Packed {
    path: PathBuf,
    header: Header,
    map: Mmap,
    payload: usize,
}

impl Packed {
    /// Opens a packed file and checks its size against its header. Values are read from the disk only when used, so that
    /// this takes no time; [`verify`](Self::verify) reads them all.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is not a packed file, of another version, or cut
    /// off.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).at("read", path)?;
        // An empty file cannot be mapped.
        if file.metadata().at("read", path)?.len() < PREAMBLE as u64 {
            return Err(Error::format(path, "start", "a packed file of physrep-bench", "a shorter file"));
        }
        // SAFETY: packed files take their name when complete and are replaced, never changed in place, so that the map
        // stays what it is; a user who truncates one while it is open breaks that promise.
        let map = unsafe { Mmap::map(&file) }.at("map", path)?;
        let (header, payload) = Header::parse(path, &map)?;
        Ok(Self { path: path.into(), header, map, payload })
    }

    /// Reads all values and compares them with the header's checksum.
    ///
    /// # Errors
    /// [`Error::Format`] if they differ.
    pub fn verify(&self) -> Result<()> {
        let found = blake3::hash(&self.map[self.payload..]).to_hex();
        if found.as_str() == self.header.checksum {
            return Ok(());
        }
        let expected = format!("checksum {}", self.header.checksum);
        Err(Error::format(&self.path, "values", expected, format!("{found}; the file is damaged, pack the data again")))
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says about its values.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The windows of a split, by trajectory, then by start: starts `first, first + stride, ...` as long as `context +
    /// future` frames fit.
    pub fn windows(&self, split: Split, plan: &WindowPlan) -> Vec<Window> {
        windows::cut(self.header.splits[split].clone(), self.header.frames, split, plan)
    }

    /// Values of a clip of `frames` frames: `channels * frames * nx * ny`.
    pub fn clip_len(&self, frames: usize) -> usize {
        self.header.channels.len() * frames * self.header.frame_len()
    }

    /// Copies `frames` frames from the window's start on, as normalised values of shape `(C, T, H, W)`, `x` along `H`.
    ///
    /// # Errors
    /// [`Error::Request`] if the trajectory has no such frames, or `out` is not [`clip_len`](Self::clip_len) long.
    pub fn clip(&self, window: Window, frames: usize, out: &mut [f32]) -> Result<()> {
        let Window { trajectory, start } = window;
        let there = self.header.trajectories.len();
        let end = start.checked_add(frames).filter(|&end| end <= self.header.frames && trajectory < there);
        if end.is_none() || frames == 0 || out.len() != self.clip_len(frames) {
            let reason = format!(
                "{frames} frames from frame {start} of trajectory {trajectory} were asked into a buffer of {} values; there are \
                 {} frames of {there} trajectories",
                out.len(),
                self.header.frames,
            );
            return Err(Error::request(&self.path, reason));
        }
        let values: &[f32] = bytemuck::cast_slice(&self.map[self.payload..]);
        let (channels, frame) = (self.header.channels.len(), self.header.frame_len());
        for (channel, out) in out.chunks_exact_mut(frames * frame).enumerate() {
            let from = ((trajectory * channels + channel) * self.header.frames + start) * frame;
            out.copy_from_slice(&values[from..from + out.len()]);
        }
        Ok(())
    }

    /// The labels of a trajectory: its parameters, scaled to mean 0 and variance 1 over the suite's grid.
    ///
    /// # Panics
    /// If there is no such trajectory.
    pub fn labels(&self, trajectory: usize) -> &[f64] {
        &self.header.trajectories[trajectory].labels
    }

    /// The parameters of a trajectory, as they are.
    ///
    /// # Panics
    /// If there is no such trajectory.
    pub fn parameters(&self, trajectory: usize) -> &[f64] {
        &self.header.trajectories[trajectory].raw
    }
}
