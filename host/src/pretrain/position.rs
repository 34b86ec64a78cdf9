//! The checkpoint of an unfinished pretraining: the host's position, then the session's own state, in one file so that
//! they cannot differ.

use std::path::Path;

use crate::{
    Error, Result, files,
    plugin::{Checkpoint, Session},
    result::PhaseCost,
};

const MAGIC: &[u8; 8] = b"physrep2";
/// Bytes before the session's state.
const HEADER: usize = 32;
/// Stands for a peak of memory that is not known.
const UNKNOWN: u64 = u64::MAX;

/// Where an interrupted pretraining stands, and what it cost so far.
pub(super) struct Position {
    /// Steps done.
    pub(super) step: u64,
    /// Seconds, over all attempts.
    pub(super) seconds: f64,
    /// The peak of memory over all attempts, in MiB, if it is known for each.
    pub(super) peak_memory_mib: Option<u64>,
}

impl Position {
    /// Before the first step.
    pub(super) const START: Self = Self { step: 0, seconds: 0.0, peak_memory_mib: Some(0) };

    /// After `step` steps, where this attempt, which went on from here, has cost `cost`.
    pub(super) fn advanced(&self, step: u64, cost: PhaseCost) -> Self {
        let peaks = self.peak_memory_mib.zip(cost.peak_memory_mib);
        Self { step, seconds: self.seconds + cost.seconds, peak_memory_mib: peaks.map(|(a, b)| a.max(b)) }
    }

    /// Writes the position and the state of `session`.
    pub(super) fn save(&self, path: &Path, session: &Session<'_>) -> Result<()> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.step.to_le_bytes());
        bytes.extend(self.seconds.to_le_bytes());
        bytes.extend(self.peak_memory_mib.unwrap_or(UNKNOWN).to_le_bytes());
        bytes.extend(session.save()?);
        files::write(path, &bytes)
    }

    /// Reads a position and gives `session` the state it had there.
    pub(super) fn load(path: &Path, session: &mut Session<'_>) -> Result<Self> {
        let bytes = files::read(path)?;
        let (header, state) =
            bytes.split_at_checked(HEADER).filter(|(header, _)| header.starts_with(MAGIC)).ok_or_else(|| {
                Error::File { path: path.to_owned(), reason: "not a checkpoint; delete it to start over".into() }
            })?;
        let number = |at: usize| <[u8; 8]>::try_from(&header[at..at + 8]).expect("eight bytes");
        session.load(state, Checkpoint::State)?;
        Ok(Self {
            step: u64::from_le_bytes(number(8)),
            seconds: f64::from_le_bytes(number(16)),
            peak_memory_mib: Some(u64::from_le_bytes(number(24))).filter(|&mib| mib != UNKNOWN),
        })
    }
}
