//! Solved trajectories of a generation that has not finished yet, one file each.

use std::fs;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::atomic_file::replace;
use crate::error::IoContext;
use crate::file_lock::FileLock;
use crate::suite::Trajectory;
use crate::{Error, Result, regular_file};

/// The folder of these files, which one process at a time holds a lock on. It is removed when the generation is
/// complete.
pub(crate) struct TrajectoryCache {
    folder: PathBuf,
    key: [u8; blake3::KEY_LEN],
    _lock: FileLock,
}

impl TrajectoryCache {
    /// Locks `folder` for the data of this key; files that were written for another key are ignored. While another process has it,
    /// `waiting` is called again and again with that process's name.
    ///
    /// # Errors
    /// [`Error::Stopped`] if `waiting` asks for it; [`Error::Io`] if the folder cannot be locked.
    pub fn open(folder: &Path, key: &str, waiting: impl FnMut(&str) -> ControlFlow<()>) -> Result<Self> {
        let path = folder.join("lock");
        let lock = FileLock::wait(&path, waiting).at("lock", &path)?.ok_or(Error::Stopped)?;
        Ok(Self {
            folder: folder.into(),
            key: blake3::derive_key("physrep-bench 1 part of a data set", key.as_bytes()),
            _lock: lock,
        })
    }

    /// Writes a trajectory: its fields one after the other, then a checksum.
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

    /// The trajectory, of `len` values; `None` if its file is missing or damaged.
    pub fn read(&self, trajectory: &Trajectory, len: usize) -> Result<Option<Vec<f32>>> {
        let path = self.path(trajectory);
        let mut file = match regular_file::open(&path) {
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

    /// Removes a trajectory that has been written to its final file.
    pub fn remove(&self, trajectory: &Trajectory) -> Result<()> {
        let path = self.path(trajectory);
        fs::remove_file(&path).at("remove", &path)
    }

    /// Removes the folder, with whatever an interrupted run has left in it.
    pub fn close(self) -> Result<()> {
        fs::remove_dir_all(&self.folder).at("remove", &self.folder)
    }

    fn path(&self, trajectory: &Trajectory) -> PathBuf {
        let Trajectory { split, index, .. } = trajectory;
        self.folder.join(format!("{split}_{index}.part"))
    }
}
