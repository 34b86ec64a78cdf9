//! The attempts at a cell that left nothing from which the next one could go on. They are counted in a file, because whoever made one may
//! have vanished with its machine.

use std::{fs, path::PathBuf, process};

use physrep_benchmarks::file_lock::machine;
use physrep_records::{CellFolder, PretrainingFolder, files};
use serde::{Deserialize, Serialize};

use crate::{environment::now, error::Result};

/// The attempts that have come to nothing since the cell last got on.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Attempts {
    attempts: Vec<Attempt>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Attempt {
    /// Who made it.
    process: u32,
    machine: String,
    /// When it began, UTC.
    started: String,
    /// What there was to go on from when it began.
    found: String,
    /// How it ended; none while it runs, or if nobody was there to say.
    ended: Option<String>,
}

/// The files of a cell that a later attempt goes on from.
#[derive(Clone, Debug)]
pub(crate) struct AttemptFiles {
    cell: CellFolder,
    pretraining: PretrainingFolder,
}

/// Forgets that earlier attempts at the cell in a folder came to nothing, so that it is tried anew.
pub fn forget_attempts(cell: &CellFolder) {
    // Without the file there is nothing to forget.
    let _ = fs::remove_file(file(cell));
}

fn file(cell: &CellFolder) -> PathBuf {
    cell.path().join("attempts.json")
}

impl AttemptFiles {
    /// Those of a cell whose pretraining is in a folder of its own or in the cell's.
    pub(crate) fn of(cell: CellFolder, pretraining: PretrainingFolder) -> Self {
        Self { cell, pretraining }
    }

    fn path(&self) -> PathBuf {
        file(&self.cell)
    }

    /// Forgets the attempts.
    pub(crate) fn forget(&self) {
        forget_attempts(&self.cell);
    }

    /// What there is to go on from, as text that differs once there is more.
    fn found(&self) -> String {
        let durable = [self.pretraining.checkpoint(), self.pretraining.record(), self.cell.embeddings_record()];
        let stamps = durable.map(|path| {
            let modified = fs::metadata(&path).and_then(|file| file.modified());
            modified.map(|time| humantime::format_rfc3339_nanos(time).to_string()).unwrap_or_default()
        });
        stamps.join(" ")
    }
}

impl Attempts {
    /// The attempts that came to nothing; none once the cell has got on since.
    pub(crate) fn read(files: &AttemptFiles) -> Self {
        // One that is damaged costs further attempts.
        let read: Self = files::read_json(&files.path()).unwrap_or_default();
        let found = files.found();
        if read.attempts.iter().all(|attempt| attempt.found == found) { read } else { Self::default() }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.attempts.len()
    }

    /// Notes that this process begins one.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn begin(&mut self, files: &AttemptFiles) -> Result<()> {
        let (process, machine, started) = (process::id(), machine(), now());
        self.attempts.push(Attempt { process, machine, started, found: files.found(), ended: None });
        Ok(files::write_json(&files.path(), self)?)
    }

    /// Notes how the last one ended.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn end(&mut self, files: &AttemptFiles, how: &str) -> Result<()> {
        if let Some(last) = self.attempts.last_mut() {
            last.ended = Some(how.to_owned());
        }
        Ok(files::write_json(&files.path(), self)?)
    }

    /// Why no more attempts are made.
    pub(crate) fn reason(&self) -> String {
        let Some(last) = self.attempts.last() else { return String::new() };
        let how = match &last.ended {
            Some(how) => how.clone(),
            None => format!(
                "process {} on {}, which began at {}, vanished: killed, perhaps out of memory, or with its machine",
                last.process, last.machine, last.started
            ),
        };
        match self.attempts.len() {
            1 => how,
            count => format!("{count} attempts came to nothing; the last one: {how}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_that_left_something_to_go_on_from_does_not_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_owned();
        let files = AttemptFiles::of(CellFolder::at(path.clone()), PretrainingFolder::at(path));
        for count in 1..=2 {
            let mut attempts = Attempts::read(&files);
            attempts.begin(&files).expect("writable");
            assert_eq!(attempts.len(), count);
        }
        let mut attempts = Attempts::read(&files);
        let vanished = attempts.reason();
        assert!(vanished.starts_with("2 attempts came to nothing") && vanished.contains("vanished"), "{vanished}");
        attempts.end(&files, "its process died in probe").expect("writable");
        assert!(Attempts::read(&files).reason().ends_with("the last one: its process died in probe"));
        fs::write(files.pretraining.checkpoint(), "step 7").expect("writable");
        assert_eq!(Attempts::read(&files).len(), 0);
        Attempts::default().begin(&files).expect("writable");
        files.forget();
        assert_eq!(Attempts::read(&files).len(), 0);
    }
}
