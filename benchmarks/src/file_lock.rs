//! A lock on a file that says who holds it. It only saves work: it goes with its process, however that ends, and where a file system has no
//! locks, processes that do the same work at once write the same bytes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;
use std::{process, thread};

use crate::{printable::cut_line, regular_file};

/// The time between two attempts to lock.
const POLL: Duration = Duration::from_millis(100);

/// How often a file that is removed is made again.
const TRIES: usize = 100;

/// The longest text that is read from the file of a lock, in bytes.
const LONGEST_HOLDER: u64 = 200;

/// A lock, held until it is dropped or the process ends. While it is held, its file says by whom; then it is empty.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Locks the file at `path`, which is created with its folder if missing; `None` if another process holds the lock.
    ///
    /// # Errors
    ///
    /// If the file cannot be created or locked.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        // Whoever held it may have removed the file, or its folder, since this process looked.
        for _ in 0..TRIES {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let file = match OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                file => file?,
            };
            match file.try_lock() {
                Ok(()) if !is_at(&file, path) => {}
                Ok(()) => return Ok(Some(Self::held(file))),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) if has_no_locks(&error) => return Ok(Some(Self(file))),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other("it is removed again and again"))
    }

    /// As [`try_take`](Self::try_take), but waits while another process holds the lock. `waiting` is called again and again with its
    /// [name](holder); `None` if it asks for an end.
    ///
    /// # Errors
    ///
    /// If the file cannot be created or locked.
    pub fn wait(path: &Path, mut waiting: impl FnMut(&str) -> ControlFlow<()>) -> io::Result<Option<Self>> {
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(Some(lock));
            }
            if waiting(&holder(path)).is_break() {
                return Ok(None);
            }
            thread::sleep(POLL);
        }
    }

    /// The lock on a file that is locked, with this process's name in it.
    fn held(mut file: File) -> Self {
        // For people alone: a lock without a name is one.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", this_process()));
        Self(file)
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        let _ = self.0.seek(SeekFrom::Start(0)).and_then(|_| self.0.set_len(0));
    }
}

/// Who holds the lock on the file at `path`: `process 4711 on node3`, or `another process` if it does not say.
pub fn holder(path: &Path) -> String {
    let mut text = String::new();
    let read = regular_file::open(path).and_then(|file| file.take(LONGEST_HOLDER).read_to_string(&mut text));
    match read {
        Ok(1..) => cut_line(&text, LONGEST_HOLDER as usize),
        _ => "another process".into(),
    }
}

/// This process's number and machine.
fn this_process() -> String {
    format!("process {} on {}", process::id(), machine())
}

/// The name of this machine.
pub fn machine() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "this machine".into() } else { name.trim().into() }
}

/// Whether `file` is the one that has this path.
fn is_at(file: &File, path: &Path) -> bool {
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    file.metadata().is_ok_and(|own| fs::metadata(path).is_ok_and(|there| identity(there) == identity(own)))
}

/// Whether a file system has no locks, such as Lustre mounted without `flock` or NFS without its lock service.
fn has_no_locks(error: &io::Error) -> bool {
    const ENOLCK: i32 = 37;
    error.kind() == ErrorKind::Unsupported || cfg!(target_os = "linux") && error.raw_os_error() == Some(ENOLCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_told_for_whom_and_a_removed_file_locks_nobody_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("below/lock");
        let lock = FileLock::try_take(&path).expect("lockable").expect("free");
        assert!(FileLock::try_take(&path).expect("lockable").is_none());
        let mut told = Vec::new();
        let waited = FileLock::wait(&path, |holder| {
            told.push(holder.to_owned());
            if told.len() < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert!(waited.expect("lockable").is_none());
        assert_eq!(told, vec![this_process(); 3]);

        fs::remove_dir_all(folder.path().join("below")).expect("removable");
        let other = FileLock::try_take(&path).expect("lockable").expect("free");
        drop(lock);
        assert_eq!(holder(&path), this_process());
        drop(other);
        assert_eq!(holder(&path), "another process");
        assert!(FileLock::try_take(&path).expect("lockable").is_some());
    }
}
