//! Brings one file here, whole and verified or not at all.

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

/// How a transfer ended.
pub(super) enum Outcome {
    /// The file is in its place.
    Whole,
    /// All bytes came, but they are not the file's; they are gone. The reason names both checksums.
    Wrong(String),
}

/// Where the bytes gather until all are there. The name holds the checksum, so that what is left of another version of
/// the file is never continued.
pub(super) fn part(target: &Path, file: &RemoteFile) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.part", &file.checksum.digits()[..16]))
}

/// Downloads `file` to `target`, going on where an earlier call was cut. `progress` hears how many bytes are here, and
/// why there is a wait.
pub(super) fn fetch(
    dataset: &Dataset,
    file: &RemoteFile,
    target: &Path,
    retry: RetryPolicy,
    progress: &mut dyn FnMut(u64, &str),
) -> Result<Outcome> {
    let part = part(target, file);
    let mut transfer = Transfer::open(&part, dataset, file)?;
    let mut failures = 0;
    while transfer.here < file.size {
        let before = transfer.here;
        let (reason, asked) = match transfer.resume(progress) {
            Ok(()) => break,
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Passing { reason, asked }) => (reason, asked),
        };
        // A connection that keeps breaking but brings something each time gets there in the end.
        failures = if transfer.here > before { 1 } else { failures + 1 };
        let here = transfer.here;
        if failures >= retry.tries {
            return Err(transfer.fail(format!(
                "{reason}; {failures} tries in a row brought nothing, {here} of {} bytes are here; run the same \
                 command again to go on from there",
                file.size
            )));
        }
        let wait = retry.wait(failures, asked);
        progress(here, &format!("{reason}; trying again in {} s", wait.as_secs_f64()));
        sleep(wait);
    }
    transfer.file.sync_all().map_err(Error::io(&part))?;
    drop(transfer);

    let found = file.checksum.of_file(&part)?;
    if found != file.checksum {
        fs::remove_file(&part).map_err(Error::io(&part))?;
        return Ok(Outcome::Wrong(format!(
            "wrong bytes came: checksum {}, but the hub lists {}; they are discarded",
            found.digits(),
            file.checksum.digits()
        )));
    }
    fs::rename(&part, target).map_err(Error::io(target))?;
    let folder = target.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))?;
    Ok(Outcome::Whole)
}

struct Transfer<'a> {
    path: &'a Path,
    dataset: &'a Dataset,
    remote: &'a RemoteFile,
    file: File,
    /// Bytes of the file that are here; it is written at its end only.
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

    /// One connection: asks for what is missing and appends what comes.
    fn resume(&mut self, progress: &mut dyn FnMut(u64, &str)) -> Result<(), Failure> {
        let mut response = self.dataset.request(self.remote, self.here)?;
        if response.status() == 206 {
            let range = response.headers().get("Content-Range").and_then(|value| value.to_str().ok());
            let expected = format!("bytes {}-{}/{}", self.here, self.remote.size - 1, self.remote.size);
            if range != Some(&expected) {
                let range = range.unwrap_or("no range");
                return Err(self.fail(format!("the server sends {range:?} where {expected:?} was asked for")).into());
            }
        } else {
            // The server does not serve ranges and begins anew.
            self.restart()?;
        }
        let missing = self.remote.size - self.here;
        match response.body().content_length() {
            Some(length) if length != missing => {
                return Err(self
                    .lie(&format!("the server is about to send {length} where {missing} are missing"))
                    .into());
            }
            _ => {}
        }

        let mut body = response.body_mut().as_reader();
        let mut buffer = vec![0; 1 << 18];
        while self.here < self.remote.size {
            let n = body.read(&mut buffer).map_err(|e| Failure::passing(format!("the connection was cut: {e}")))?;
            if n == 0 {
                return Err(Failure::passing("the connection was cut"));
            }
            if n as u64 > self.remote.size - self.here {
                self.restart()?;
                return Err(self.lie("the server sends more").into());
            }
            self.file.write_all(&buffer[..n]).map_err(Error::io(self.path))?;
            self.here += n as u64;
            progress(self.here, "");
        }
        Ok(())
    }

    fn lie(&self, found: &str) -> Error {
        self.fail(format!(
            "the hub lists {} bytes, but {found}; nothing of that is kept, try again later or from another HF_ENDPOINT",
            self.remote.size
        ))
    }

    fn fail(&self, reason: String) -> Error {
        Error::Download { what: format!("{}/{}", self.dataset.name, self.remote.path), reason }
    }
}
