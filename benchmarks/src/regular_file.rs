//! Reading files that someone else may have made: a pipe without a writer must not hold the program up, nor a device or a file of terabytes
//! fill its memory.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The most bytes of a file of settings or records, 64 MiB.
pub const LONGEST: u64 = 64 << 20;

/// Opens a file to read it.
///
/// # Errors
/// If it cannot be opened, or is no file: then what it is.
pub fn open(path: &Path) -> io::Result<File> {
    let found = fs::metadata(path)?;
    if found.is_file() {
        return File::open(path);
    }
    let what = if found.is_dir() { "a folder" } else { "a pipe or a device" };
    Err(io::Error::new(ErrorKind::InvalidInput, format!("expected a file, found {what}")))
}

/// Reads the whole of a file of at most [`LONGEST`] bytes.
///
/// # Errors
/// If it is longer, or no file, or cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        let reason = format!("expected at most {} MiB, found a longer file", LONGEST >> 20);
        return Err(io::Error::new(ErrorKind::InvalidData, reason));
    }
    Ok(bytes)
}

/// Reads the whole of a text of at most [`LONGEST`] bytes.
///
/// # Errors
/// As for [`read`], and if it is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        io::Error::new(ErrorKind::InvalidData, format!("expected text, found a byte {at} that is not UTF-8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_or_no_text_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let reason = |path: &Path| read_text(path).expect_err("refused").to_string();
        assert_eq!(reason(folder.path()), "expected a file, found a folder");
        let (huge, text) = (folder.path().join("huge"), folder.path().join("text"));
        File::create(&huge).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
        assert_eq!(reason(&huge), "expected at most 64 MiB, found a longer file");
        fs::write(&text, b"name = \"\xff\"").expect("written");
        assert_eq!(reason(&text), "expected text, found a byte 8 that is not UTF-8");
        #[cfg(unix)]
        assert_eq!(reason(Path::new("/dev/null")), "expected a file, found a pipe or a device");
    }
}
