//! The checkpoint of an unfinished pretraining: the step, the cost so far and the state of the session, in one file so that they are
//! always consistent.

use std::io::ErrorKind;

use physrep_abi::LoadScope;
use physrep_records::{Curves, PhaseCost, PretrainingFolder, files};
use serde::{Deserialize, Serialize};

use crate::{error::Result, method_process::MethodProcess};

/// The file starts with these bytes, then BLAKE3 of all that follows: a little-endian 64-bit length and as many bytes of JSON, a
/// [`Checkpoint`]; the rest is the state of the session.
const MAGIC: &[u8; 8] = b"physrep4";

/// The progress of an interrupted pretraining.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The number of steps done.
    pub(super) step: u64,
    /// The cost over all attempts.
    pub(super) cost: PhaseCost,
    /// The digest of the training curves up to the step.
    pub(super) curves: String,
}

impl Checkpoint {
    /// The state before the first step.
    pub(super) fn start() -> Self {
        let cost = PhaseCost { samples: 0, seconds: 0.0, peak_memory_mib: Some(0), peak_device_memory_mib: Some(0) };
        Self { step: 0, cost, curves: String::new() }
    }

    /// Writes the checkpoint with the state of `method`.
    pub(super) fn save(&self, folder: &PretrainingFolder, method: &mut MethodProcess) -> Result<()> {
        let header = serde_json::to_vec(self).expect("plain JSON");
        let rest = [&(header.len() as u64).to_le_bytes()[..], &header, &method.save()?].concat();
        let bytes = [&MAGIC[..], blake3::hash(&rest).as_bytes(), &rest].concat();
        Ok(files::write(&folder.checkpoint(), &bytes)?)
    }

    /// Reads the checkpoint in a folder, if there is one, and loads its state into `method` and its curves. One that is damaged, or whose
    /// curves are, is set aside, with a line in the log.
    pub(super) fn load(
        folder: &PretrainingFolder,
        method: &mut MethodProcess,
        curves: &Curves,
    ) -> Result<Option<Self>> {
        let path = folder.checkpoint();
        if !path.is_file() {
            return Ok(None);
        }
        let bytes = match files::read(&path) {
            // Another process that has finished has removed it since.
            Err(physrep_records::Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        if let Some((checkpoint, state)) = parts(&bytes) {
            let restored = curves.restore(&folder.curves(), checkpoint.step);
            // A full disk is no damage.
            if let Err(error @ physrep_records::Error::Io { .. }) = restored {
                return Err(error.into());
            }
            if restored.is_ok() && curves.digest(checkpoint.step) == checkpoint.curves {
                method.load(state, LoadScope::Full)?;
                return Ok(Some(checkpoint));
            }
        }
        let aside = files::set_aside(&path)?;
        log::warn!(
            "the checkpoint or its curves are damaged; pretraining begins again, and the checkpoint is now {}",
            aside.display()
        );
        Ok(None)
    }
}

/// Splits the bytes of a file into the checkpoint and the session's state; none if they are not a checkpoint as it was written.
fn parts(bytes: &[u8]) -> Option<(Checkpoint, &[u8])> {
    let (digest, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<32>()?;
    if blake3::hash(rest) != *digest {
        return None;
    }
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (header, state) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    Some((serde_json::from_slice(header).ok()?, state))
}
