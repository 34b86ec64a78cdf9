//! Atomic files: written to a temporary file beside the target, synced, then renamed, so that a reader sees all of it or none.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use physrep_benchmarks::regular_file::{self, LONGEST};
use serde::{Serialize, de::DeserializeOwned};
use tempfile::NamedTempFile;

use crate::{
    error::{Error, Result},
    owner,
};

/// Writes `bytes` to `path`, atomically replacing an existing file. The folder is created if missing.
///
/// # Errors
///
/// If anything fails; an existing file at `path` is then unchanged.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes).map_err(Error::io(path)))
}

/// Writes what `fill` writes to `path`, as [`write()`] does, without holding it in memory.
///
/// # Errors
///
/// As [`write()`], and those of `fill`.
pub fn write_with<E: From<Error>>(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&File>) -> Result<(), E>,
) -> Result<(), E> {
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let file = temporary(folder).map_err(Error::io(folder))?;
    let mut writer = BufWriter::new(file.as_file());
    fill(&mut writer)?;
    writer.flush().and_then(|()| file.as_file().sync_all()).map_err(Error::io(path))?;
    drop(writer);
    file.persist(path).map_err(|e| Error::Io { path: path.to_owned(), source: e.error })?;
    Ok(sync_name(path)?)
}

/// Writes `value` to `path` as indented JSON, unless that is what the file holds. It is written whole or not at all, but may be gone after
/// a power failure: for a file that is made again from others.
///
/// # Errors
///
/// As [`write()`].
pub fn write_derived_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = json(path, value)?;
    if fs::read(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let mut file = temporary(folder).map_err(Error::io(folder))?;
    file.write_all(&text).map_err(Error::io(path))?;
    file.persist(path).map(|_| ()).map_err(|e| Error::Io { path: path.to_owned(), source: e.error })
}

/// Makes sure that a file has its name also after a power failure: a rename is on the disk once the folder is.
///
/// # Errors
///
/// If the folder cannot be synced.
pub fn sync_name(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// What the names of temporary files begin with.
const TEMPORARY: &str = ".unfinished-";

/// Removes temporary files that killed processes have left in `folder`; not those of processes that live.
pub fn remove_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        if name.strip_prefix(TEMPORARY).is_some_and(|mark| owner::has_ended(mark, &path)) {
            // One that stays does no harm.
            let _ = fs::remove_file(path);
        }
    }
}

/// A temporary file with the permissions of any new file, rather than readable by its owner only.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    let prefix = format!("{TEMPORARY}{}-", owner::mark());
    builder.prefix(&prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Removes a file, if it is there.
///
/// # Errors
///
/// If it is there and cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(path)(error)),
        _ => Ok(()),
    }
}

/// Gives a damaged file another name, `NAME.damaged`, so that it can be looked at and made again; returns that name.
///
/// # Errors
///
/// If it cannot be renamed.
pub fn set_aside(path: &Path) -> Result<PathBuf> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".damaged");
    let aside = path.with_file_name(name);
    fs::rename(path, &aside).map_err(Error::io(path))?;
    Ok(aside)
}

/// Writes `value` to `path` as indented JSON.
///
/// # Errors
///
/// As [`write()`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    write(path, &json(path, value)?)
}

/// A value as indented JSON, for the file `path`.
fn json(path: &Path, value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|e| Error::File { path: path.to_owned(), reason: format!("cannot be written as JSON: {e}") })?;
    text.push(b'\n');
    Ok(text)
}

/// Writes `value` to `path` as JSON on one line.
///
/// # Errors
///
/// As [`write()`].
pub fn write_compact_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec(value)
        .map_err(|e| Error::File { path: path.to_owned(), reason: format!("cannot be written as JSON: {e}") })?;
    text.push(b'\n');
    write(path, &text)
}

/// Compresses bytes with gzip; the same bytes for the same bytes.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory does not fail")
}

/// Reads the whole file; the content of one that is compressed, `NAME.gz`.
///
/// # Errors
///
/// If it cannot be read, or is not what its name says.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut file = regular_file::open(path).map_err(Error::io(path))?;
    let mut content = Vec::new();
    match path.extension().is_some_and(|extension| extension == "gz") {
        true => GzDecoder::new(file).take(LONGEST + 1).read_to_end(&mut content),
        false => file.read_to_end(&mut content),
    }
    .map_err(Error::io(path))?;
    Ok(content)
}

/// Reads the whole of a file of JSON, which may be compressed: at most [`LONGEST`] bytes.
///
/// # Errors
///
/// If it cannot be read, or is longer.
pub fn read_bounded(path: &Path) -> Result<Vec<u8>> {
    let long = || Error::File {
        path: path.to_owned(),
        reason: format!("expected at most {} MiB, found a longer file", LONGEST >> 20),
    };
    if fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > LONGEST) {
        return Err(long());
    }
    let content = read(path)?;
    if content.len() as u64 > LONGEST { Err(long()) } else { Ok(content) }
}

/// Reads the JSON at `path`.
///
/// # Errors
///
/// If it cannot be read, or is not the JSON of a `T`.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&read_bounded(path)?)
        .map_err(|e| Error::File { path: path.to_owned(), reason: format!("not the JSON that was expected here: {e}") })
}

/// The BLAKE3 hash of the file's bytes, in hexadecimal.
///
/// # Errors
///
/// If it cannot be read.
pub fn checksum(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    regular_file::open(path).and_then(|file| hasher.update_reader(file).map(|_| ())).map_err(Error::io(path))?;
    Ok(hasher.finalize().to_hex().to_string())
}
