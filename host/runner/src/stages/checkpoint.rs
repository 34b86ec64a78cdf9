//! The checkpoint of an unfinished pretraining: the step, the cost so far and the state of the session, in one file so that they are
//! always consistent.

use std::path::Path;

use physrep_abi::LoadScope;
use physrep_records::{PhaseCost, files};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    method_process::MethodProcess,
};

/// The file starts with these bytes, then a little-endian 64-bit length and as many bytes of JSON, a [`Checkpoint`]; the rest is the
/// state of the session.
const MAGIC: &[u8; 8] = b"physrep3";

/// The progress of an interrupted pretraining.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The number of steps done.
    pub(super) step: u64,
    /// The cost over all attempts.
    pub(super) cost: PhaseCost,
}

impl Checkpoint {
    /// The state before the first step.
    pub(super) const START: Self = Self {
        step: 0,
        cost: PhaseCost { samples: 0, seconds: 0.0, peak_memory_mib: Some(0), peak_device_memory_mib: Some(0) },
    };

    /// Writes the checkpoint with the state of `method`.
    pub(super) fn save(&self, path: &Path, method: &mut MethodProcess) -> Result<()> {
        let header = serde_json::to_vec(self).expect("plain JSON");
        let length = (header.len() as u64).to_le_bytes();
        Ok(files::write(path, &[&MAGIC[..], &length, &header, &method.save()?].concat())?)
    }

    /// Reads a checkpoint and loads its state into `method`.
    pub(super) fn load(path: &Path, method: &mut MethodProcess) -> Result<Self> {
        let bytes = files::read(path)?;
        let (checkpoint, state) = parts(&bytes)
            .ok_or_else(|| Error::file(path, "not a checkpoint of this program; delete it to start over"))?;
        method.load(state, LoadScope::Full)?;
        Ok(checkpoint)
    }
}

/// Splits the bytes of a file into the checkpoint and the session's state; none if they are not a checkpoint.
fn parts(bytes: &[u8]) -> Option<(Checkpoint, &[u8])> {
    let (length, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    let (header, state) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    Some((serde_json::from_slice(header).ok()?, state))
}
