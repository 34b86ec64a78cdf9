//! The checkpoint of an unfinished pretraining: the host's position, then the session's own state, in one file so that
//! they cannot differ.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    Error, Result, files,
    plugin::{Checkpoint, Session},
    result::PhaseCost,
};

/// The file begins with this, the length of the position as JSON, and that; the rest is the session's state.
const MAGIC: &[u8; 8] = b"physrep3";

/// Where an interrupted pretraining stands, and what it cost so far.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Position {
    /// Steps done.
    pub(super) step: u64,
    /// Over all attempts.
    pub(super) cost: PhaseCost,
}

impl Position {
    /// Before the first step.
    pub(super) const START: Self = Self {
        step: 0,
        cost: PhaseCost { samples: 0, seconds: 0.0, peak_memory_mib: Some(0), peak_card_memory_mib: Some(0) },
    };

    /// Writes the position and the state of `session`.
    pub(super) fn save(&self, path: &Path, session: &Session<'_>) -> Result<()> {
        let position = serde_json::to_vec(self).expect("plain JSON");
        let length = (position.len() as u64).to_le_bytes();
        files::write(path, &[&MAGIC[..], &length, &position, &session.save()?].concat())
    }

    /// Reads a position and gives `session` the state it had there.
    pub(super) fn load(path: &Path, session: &mut Session<'_>) -> Result<Self> {
        let bytes = files::read(path)?;
        let (position, state) = parts(&bytes).ok_or_else(|| Error::File {
            path: path.to_owned(),
            reason: "not a checkpoint of this program; delete it to start over".into(),
        })?;
        session.load(state, Checkpoint::State)?;
        Ok(position)
    }
}

/// The position and the session's state, if `bytes` are such a file.
fn parts(bytes: &[u8]) -> Option<(Position, &[u8])> {
    let (length, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    let (position, state) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    Some((serde_json::from_slice(position).ok()?, state))
}
