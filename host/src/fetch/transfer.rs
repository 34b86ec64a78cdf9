//! Downloads one file, which gets its name only when it is complete and verified.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
    thread::sleep,
};

use super::{
    hub::{Dataset, RemoteFile},
    retry::{Failure, RetryPolicy},
};
use crate::error::{Error, Result};

/// The result of a complete download.
pub(super) enum Downloaded {
    /// The file is verified and has its name.
    Verified,
    /// The checksum is wrong, and the file was discarded. The reason names both checksums.
    Mismatch(String),
}

/// The file of a partial download. Its name contains the checksum, so that the download of another version of the file is never
/// resumed.
pub(super) fn part(target: &Path, file: &RemoteFile) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.part", &file.checksum.digits()[..16]))
}

/// Downloads `file` to `target`, resuming a partial download. `progress` gets the number of bytes downloaded so far, and the reason of
/// a wait.
pub(super) fn fetch(
    dataset: &Dataset,
    file: &RemoteFile,
    target: &Path,
    retry: RetryPolicy,
    progress: &mut dyn FnMut(u64, &str),
) -> Result<Downloaded> {
    let part = part(target, file);
    let mut transfer = Transfer::open(&part, dataset, file)?;
    let mut failures = 0;
    while transfer.here < file.size {
        let before = transfer.here;
        let (reason, retry_after) = match transfer.resume(progress) {
            Ok(()) => break,
            Err(Failure::Permanent(error)) => return Err(error),
            Err(Failure::Transient { reason, retry_after }) => (reason, retry_after),
        };
        // Progress resets the count: a connection that keeps breaking still completes the download in the end.
        failures = if transfer.here > before { 1 } else { failures + 1 };
        let here = transfer.here;
        if failures >= retry.tries {
            return Err(transfer.fail(format!(
                "{reason}; {failures} tries in a row made no progress, {here} of {} bytes are downloaded; run the same \
                 command again to resume",
                file.size
            )));
        }
        let wait = retry.wait(failures, retry_after);
        progress(here, &format!("{reason}; trying again in {} s", wait.as_secs_f64()));
        sleep(wait);
    }
    transfer.file.sync_all().map_err(Error::io(&part))?;
    drop(transfer);

    let found = file.checksum.of_file(&part)?;
    if found != file.checksum {
        fs::remove_file(&part).map_err(Error::io(&part))?;
        return Ok(Downloaded::Mismatch(format!(
            "wrong checksum: found {}, but the hub lists {}; the file was discarded",
            found.digits(),
            file.checksum.digits()
        )));
    }
    fs::rename(&part, target).map_err(Error::io(target))?;
    let folder = target.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))?;
    Ok(Downloaded::Verified)
}

struct Transfer<'a> {
    path: &'a Path,
    dataset: &'a Dataset,
    remote: &'a RemoteFile,
    file: File,
    /// Bytes downloaded so far, which is the length of `file`.
    here: u64,
}

impl<'a> Transfer<'a> {
    fn open(path: &'a Path, dataset: &'a Dataset, remote: &'a RemoteFile) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(Error::io(path))?;
        let here = file.metadata().map_err(Error::io(path))?.len();
        let mut transfer = Self { path, dataset, remote, file, here };
        if here > remote.size {
            transfer.restart()?;
        }
        Ok(transfer)
    }

    fn restart(&mut self) -> Result<()> {
        self.file.set_len(0).map_err(Error::io(self.path))?;
        self.here = 0;
        Ok(())
    }

    /// Requests the missing bytes over one connection and appends them.
    fn resume(&mut self, progress: &mut dyn FnMut(u64, &str)) -> Result<(), Failure> {
        let mut response = self.dataset.request(self.remote, self.here)?;
        if response.status() == 206 {
            let range = response.headers().get("Content-Range").and_then(|value| value.to_str().ok());
            let expected = format!("bytes {}-{}/{}", self.here, self.remote.size - 1, self.remote.size);
            if range != Some(&expected) {
                let range = range.unwrap_or("no range");
                return Err(self.fail(format!("the server sends the range {range:?}; expected {expected:?}")).into());
            }
        } else {
            // The server ignores ranges and sends the whole file.
            self.restart()?;
        }
        let missing = self.remote.size - self.here;
        match response.body().content_length() {
            Some(length) if length != missing => {
                return Err(self
                    .size_mismatch(&format!("the server announces {length} where {missing} are missing"))
                    .into());
            }
            _ => {}
        }

        let mut body = response.body_mut().as_reader();
        let mut buffer = vec![0; 1 << 18];
        while self.here < self.remote.size {
            let n =
                body.read(&mut buffer).map_err(|e| Failure::transient(format!("the connection was closed: {e}")))?;
            if n == 0 {
                return Err(Failure::transient("the connection was closed"));
            }
            if n as u64 > self.remote.size - self.here {
                self.restart()?;
                return Err(self.size_mismatch("the server sends more").into());
            }
            self.file.write_all(&buffer[..n]).map_err(Error::io(self.path))?;
            self.here += n as u64;
            progress(self.here, "");
        }
        Ok(())
    }

    /// The error for a size that contradicts the hub's list.
    fn size_mismatch(&self, found: &str) -> Error {
        self.fail(format!(
            "the hub lists {} bytes, but {found}; these bytes were discarded, try again later or with another HF_ENDPOINT",
            self.remote.size
        ))
    }

    fn fail(&self, reason: String) -> Error {
        Error::Download { what: format!("{}/{}", self.dataset.name, self.remote.path), reason }
    }
}
