//! Finished trajectories of a generation that is still going on, one file each.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::atomic_file::{create_folder, replace};
use crate::error::IoContext;
use crate::suite::Trajectory;
use crate::{Error, Result};

/// The folder of parts, held by one process at a time. It goes away when generation is complete.
pub(crate) struct TrajectoryCache {
    folder: PathBuf,
    key: [u8; blake3::KEY_LEN],
    _lock: File,
}

impl TrajectoryCache {
    /// Takes hold of `folder` for data of the given key; parts that were written under another key do not count.
    pub fn open(folder: &Path, key: &str) -> Result<Self> {
        create_folder(folder)?;
        let path = folder.join("lock");
        let lock = File::create(&path).at("create", &path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let reason = "another process is generating data here; wait for it, or choose another folder";
                return Err(Error::folder(folder, reason));
            }
            Err(TryLockError::Error(e)) => return Err(e).at("lock", &path),
        }
        Ok(Self {
            folder: folder.into(),
            key: blake3::derive_key("physrep-bench 1 part of a data set", key.as_bytes()),
            _lock: lock,
        })
    }

    /// Keeps a trajectory: its fields one after the other, then a checksum.
    pub fn write(&self, trajectory: &Trajectory, fields: &[Vec<f32>]) -> Result<()> {
        let path = self.path(trajectory);
        replace(&path, |file| {
            let mut checksum = blake3::Hasher::new_keyed(&self.key);
            for field in fields {
                let bytes = bytemuck::cast_slice(field);
                checksum.update(bytes);
                file.write_all(bytes).at("write", &path)?;
            }
            file.write_all(checksum.finalize().as_bytes()).at("write", &path)
        })
    }

    /// The trajectory of `len` values, unless it has not been kept or has been damaged since.
    pub fn read(&self, trajectory: &Trajectory, len: usize) -> Result<Option<Vec<f32>>> {
        let path = self.path(trajectory);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e).at("read", &path),
        };
        let mut checksum = [0; blake3::OUT_LEN];
        if file.metadata().at("read", &path)?.len() != (len * size_of::<f32>() + checksum.len()) as u64 {
            return Ok(None);
        }
        let mut values = vec![0.0_f32; len];
        file.read_exact(bytemuck::cast_slice_mut(&mut values)).at("read", &path)?;
        file.read_exact(&mut checksum).at("read", &path)?;
        let found = blake3::keyed_hash(&self.key, bytemuck::cast_slice(&values));
        Ok((found == blake3::Hash::from_bytes(checksum)).then_some(values))
    }

    /// Forgets a trajectory that has found its place in a final file.
    pub fn remove(&self, trajectory: &Trajectory) -> Result<()> {
        let path = self.path(trajectory);
        fs::remove_file(&path).at("remove", &path)
    }

    /// Removes the folder, with whatever an interrupted run has left in it.
    pub fn close(self) -> Result<()> {
        fs::remove_dir_all(&self.folder).at("remove", &self.folder)
    }

    fn path(&self, trajectory: &Trajectory) -> PathBuf {
        let Trajectory { split, set, index, .. } = trajectory;
        self.folder.join(format!("{split}_{set}_{index}.part"))
    }
}
