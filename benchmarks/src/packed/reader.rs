//! Reads a packed file: maps it into memory and gives clips and labels.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use memmap2::Mmap;

use super::header::{MAGIC, PREAMBLE, PackedHeader};
use super::window::{self, Window};
use crate::error::IoContext;
use crate::split::Split;
use crate::suite::WindowPlan;
use crate::{Error, Result, regular_file};

const _: () = assert!(cfg!(target_endian = "little"), "packed files are mapped as they are, in little-endian order");

/// Whether a file starts like a packed one, whatever its version and state.
pub(crate) fn is_packed(path: &Path) -> Result<bool> {
    let mut start = Vec::new();
    let file = regular_file::open(path).at("read", path)?;
    file.take(MAGIC.len() as u64).read_to_end(&mut start).at("read", path)?;
    Ok(start == MAGIC)
}

/// An open packed file.
pub struct Packed {
    path: PathBuf,
    header: PackedHeader,
    map: Mmap,
    payload: usize,
    /// Whether the values of each trajectory were found to fit its checksum.
    intact: Vec<AtomicBool>,
}

impl Packed {
    /// Opens a packed file and checks its size against its header. Values are read from disk when they are used, so
    /// this is fast; those of a trajectory are checked when its first clip is read, and [`verify`](Self::verify) checks all.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is not a packed file, of another version, or
    /// cut off, [`Error::Damaged`] if its header is.
    pub fn open(path: &Path) -> Result<Self> {
        let file = regular_file::open(path).at("read", path)?;
        // An empty file cannot be mapped.
        if file.metadata().at("read", path)?.len() < PREAMBLE as u64 {
            return Err(Error::format(path, "start", "a packed file of physrep-bench", "a shorter file"));
        }
        // SAFETY: the mapped bytes must not change. Packed files get their name when they are complete, and are
        // replaced rather than changed in place. A user who truncates one while it is open breaks this.
        let map = unsafe { Mmap::map(&file) }.at("map", path)?;
        let (header, payload) = PackedHeader::parse(path, &map)?;
        let intact = header.trajectories.iter().map(|_| AtomicBool::new(false)).collect();
        Ok(Self { path: path.into(), header, map, payload, intact })
    }

    /// Reads all values and compares them with the header's checksums.
    ///
    /// # Errors
    /// [`Error::Damaged`] if they differ.
    pub fn verify(&self) -> Result<()> {
        (0..self.header.trajectories.len()).try_for_each(|trajectory| self.verify_trajectory(trajectory))?;
        match blake3::hash(&self.map[self.payload..]).to_hex().as_str() == self.header.checksum {
            true => Ok(()),
            false => Err(self.damaged("the values")),
        }
    }

    /// Compares the values of a trajectory with its checksum, unless that was done before.
    fn verify_trajectory(&self, trajectory: usize) -> Result<()> {
        let intact = &self.intact[trajectory];
        if intact.load(Ordering::Relaxed) {
            return Ok(());
        }
        let len = self.clip_len(self.header.frames) * size_of::<f32>();
        let values = &self.map[self.payload + trajectory * len..][..len];
        if blake3::hash(values).to_hex().as_str() != self.header.trajectories[trajectory].checksum {
            return Err(self.damaged(&format!("trajectory {trajectory}")));
        }
        intact.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Lets clips be read from trajectories whose values do not fit their checksums.
    pub(crate) fn assume_intact(&self) {
        self.intact.iter().for_each(|intact| intact.store(true, Ordering::Relaxed));
    }

    fn damaged(&self, place: &str) -> Error {
        Error::Damaged { path: self.path.clone(), place: place.into(), advice: "pack the data again".into() }
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The header.
    pub fn header(&self) -> &PackedHeader {
        &self.header
    }

    /// The windows of a split, by trajectory, then by start: starts `first, first + stride, ...` as long as `context +
    /// future` frames fit.
    pub fn windows(&self, split: Split, plan: &WindowPlan) -> Vec<Window> {
        window::cut(self.header.splits[split].clone(), self.header.frames, split, plan)
    }

    /// Values of a clip of `frames` frames: `channels * frames * nx * ny`.
    pub fn clip_len(&self, frames: usize) -> usize {
        self.header.channels.len() * frames * self.header.frame_len()
    }

    /// Copies `frames` frames from the window's start on, as normalised values of shape `(C, T, H, W)`, `x` along `H`.
    ///
    /// # Errors
    /// [`Error::Request`] if the trajectory has no such frames, or `out` is not [`clip_len`](Self::clip_len) long;
    /// [`Error::Damaged`] if the trajectory's values do not fit its checksum.
    pub fn clip(&self, window: Window, frames: usize, out: &mut [f32]) -> Result<()> {
        let Window { trajectory, start } = window;
        let there = self.header.trajectories.len();
        let end = start.checked_add(frames).filter(|&end| end <= self.header.frames && trajectory < there);
        if end.is_none() || frames == 0 || out.len() != self.clip_len(frames) {
            let reason = format!(
                "cannot read {frames} frames from frame {start} of trajectory {trajectory} into a buffer of {} values: there are \
                 {} frames of {there} trajectories, and the buffer must have the length of the clip",
                out.len(),
                self.header.frames,
            );
            return Err(Error::request(&self.path, reason));
        }
        self.verify_trajectory(trajectory)?;
        let values: &[f32] = bytemuck::cast_slice(&self.map[self.payload..]);
        let (channels, frame) = (self.header.channels.len(), self.header.frame_len());
        for (channel, out) in out.chunks_exact_mut(frames * frame).enumerate() {
            let from = ((trajectory * channels + channel) * self.header.frames + start) * frame;
            out.copy_from_slice(&values[from..from + out.len()]);
        }
        Ok(())
    }

    /// The labels of a trajectory: its parameters, scaled to mean 0 and variance 1 over the suite's
    /// distribution.
    ///
    /// # Panics
    /// If there is no such trajectory.
    pub fn labels(&self, trajectory: usize) -> &[f64] {
        &self.header.trajectories[trajectory].labels
    }

    /// The parameters of a trajectory, not scaled.
    ///
    /// # Panics
    /// If there is no such trajectory.
    pub fn parameters(&self, trajectory: usize) -> &[f64] {
        &self.header.trajectories[trajectory].raw
    }
}
