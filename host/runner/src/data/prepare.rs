//! Generates and packs the data of a system.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use physrep_benchmarks::{
    Error as DataError,
    file_lock::FileLock,
    generate,
    packed::{self, Packed},
    suite::Suite,
    systems, well,
};
use physrep_records::{DataSource, files};

use super::inspect::check_structure;
use crate::{
    error::{Error, Result},
    events::{DataProgress, DataStep},
    interrupt,
};

/// Where the data of a suite are.
#[derive(Clone, Debug)]
pub struct DataFolders {
    /// The folder of the files, which are generated if they are missing.
    pub files: PathBuf,
    /// The folder of packed data.
    pub packed: PathBuf,
    /// The folder of packed data that cannot be written to the other one.
    pub cache: Option<PathBuf>,
}

impl From<PathBuf> for DataFolders {
    /// All in one folder.
    fn from(folder: PathBuf) -> Self {
        Self { files: folder.clone(), packed: folder, cache: None }
    }
}

impl DataFolders {
    /// The packed file of a system, in each folder in which it may be.
    fn packed_files(&self, suite: &Suite, system: &str) -> impl Iterator<Item = PathBuf> {
        let folders = [Some(&self.packed), self.cache.as_ref()].into_iter().flatten();
        folders.map(|folder| packed::packed_file(suite, system, folder)).collect::<Vec<_>>().into_iter()
    }
}

/// Generates and packs the data of a system if it is missing.
///
/// # Errors
///
/// If the data can be neither read nor generated; [`Error::Interrupted`] if this process is to stop.
pub fn prepare_data(
    suite: &Suite,
    system: &str,
    folders: &DataFolders,
    threads: usize,
    listener: &(dyn Fn(DataProgress<'_>) + Sync),
) -> Result<DataSource> {
    let progress = |done: usize, total: usize, note: &str| {
        listener(DataProgress { task: system, step: DataStep::Generate, done: done as u64, total: total as u64, note });
        interrupt::control_flow()
    };
    let solver = systems::named(system)?;
    let data = &folders.files;
    let generates = suite.section(solver)?.generate.is_some();
    let packed = loop {
        if generates {
            generate::generate(suite, solver, data, threads, &progress)?;
        }
        match pack_system(suite, system, folders, listener) {
            // Each turn sets one file aside, and generates it again.
            Err(Error::Data(DataError::Damaged { path, .. })) if generates => {
                let aside = files::set_aside(&path)?;
                listener(DataProgress { note: &format!("damaged: {}", aside.display()), ..first(system) });
            }
            packed => break packed?,
        }
    };
    Ok(source_of(system, &packed))
}

/// The data of a system, if it is there and packed: what [`prepare_data`] gives without anything to do.
///
/// # Errors
///
/// If the data is that of other settings, or cannot be read.
pub fn prepared_data(suite: &Suite, system: &str, folders: &DataFolders) -> Result<Option<DataSource>> {
    let solver = systems::named(system)?;
    for out in folders.packed_files(suite, system) {
        if let Some(packed) = packed::packed_before(suite, solver, &folders.files, &out)? {
            return Ok(Some(source_of(system, &packed)));
        }
    }
    Ok(None)
}

fn source_of(system: &str, packed: &Packed) -> DataSource {
    DataSource { system: system.to_owned(), path: packed.path().to_owned(), checksum: packed.header().checksum.clone() }
}

/// The beginning of generating.
fn first(system: &str) -> DataProgress<'_> {
    DataProgress { task: system, step: DataStep::Generate, done: 0, total: 1, note: "" }
}

/// Packs the data of a system, unless that is done already: into the folder of packed data or, where that cannot be written, into the
/// cache.
///
/// # Errors
///
/// Those of [`pack_data`].
pub fn pack_system(
    suite: &Suite,
    system: &str,
    folders: &DataFolders,
    listener: &(dyn Fn(DataProgress<'_>) + Sync),
) -> Result<Packed> {
    let mut files = folders.packed_files(suite, system).peekable();
    while let Some(out) = files.next() {
        match pack_data(suite, system, &folders.files, &out, listener) {
            Err(Error::Data(DataError::Io { source, .. })) if is_read_only(&source) && files.peek().is_some() => {}
            Err(Error::Data(DataError::Io { path, source, .. })) if is_read_only(&source) => {
                let reason = "it cannot be written; name a folder for packed data that can, with --cache";
                return Err(Error::file(path, reason));
            }
            packed => return packed,
        }
    }
    unreachable!("there is a folder of packed data")
}

/// Whether a folder cannot be written, by its file system or its permissions.
fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied)
}

/// Packs the data of a system in folder `data` into the file `out`, unless that is done already. Waits while another process does so. Files
/// that this program did not generate are inspected first, because HDF5 trusts its input.
///
/// # Errors
///
/// If the data is missing or invalid, or the file cannot be written; [`Error::Interrupted`] if this process is to stop.
pub fn pack_data(
    suite: &Suite,
    system: &str,
    data: &Path,
    out: &Path,
    listener: &(dyn Fn(DataProgress<'_>) + Sync),
) -> Result<Packed> {
    let solver = systems::named(system)?;
    let progress = |done: usize, total: usize, note: &str| {
        listener(DataProgress { task: system, step: DataStep::Pack, done: done as u64, total: total as u64, note });
        interrupt::control_flow()
    };
    if let Some(packed) = packed::packed_before(suite, solver, data, out)? {
        return Ok(packed);
    }
    let lock = out.with_extension("packing");
    let waiting = |holder: &str| progress(0, 1, &format!("waiting for {holder}, which packs this data"));
    let _lock = FileLock::wait(&lock, waiting)
        .map_err(|source| DataError::Io { action: "lock", path: lock.clone(), source })?
        .ok_or(Error::Interrupted)?;
    if generate::data_key(suite, solver, data)?.is_none() {
        let splits = suite.section(solver)?.splits();
        let files: Vec<_> = splits.filter_map(|split| well::split_files(data, solver.name(), split).ok()).collect();
        check_structure(&files.concat(), system, listener)?;
    }
    let packed = packed::pack(suite, solver, data, out, &progress);
    // While it is held: who waits for it makes another.
    let _ = fs::remove_file(&lock);
    Ok(packed?)
}
