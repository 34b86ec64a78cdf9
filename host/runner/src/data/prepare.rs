//! Generates and packs the data of a system.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use physrep_benchmarks::{
    Error as DataError, generate,
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
    /// The folder of packed data: another one, if that of the files cannot be written.
    pub packed: PathBuf,
}

impl From<PathBuf> for DataFolders {
    /// All in one folder.
    fn from(folder: PathBuf) -> Self {
        Self { files: folder.clone(), packed: folder }
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
    let (data, out) = (&folders.files, packed::packed_file(suite, system, &folders.packed));
    let generates = suite.section(solver)?.generate.is_some();
    let packed = loop {
        if generates {
            generate::generate(suite, solver, data, threads, &progress)?;
        }
        match pack_data(suite, system, data, &out, listener) {
            // Each turn sets one file aside, and generates it again.
            Err(Error::Data(DataError::Damaged { path, .. })) if generates => {
                let aside = files::set_aside(&path)?;
                listener(DataProgress { note: &format!("damaged: {}", aside.display()), ..first(system) });
            }
            Err(Error::Data(DataError::Io { path, source, .. })) if source.kind() == ErrorKind::ReadOnlyFilesystem => {
                let reason = "it cannot be written; name a folder for packed data that can, with --packed";
                return Err(Error::file(path, reason));
            }
            packed => break packed?,
        }
    };
    Ok(DataSource {
        system: system.to_owned(),
        path: packed.path().to_owned(),
        checksum: packed.header().checksum.clone(),
    })
}

/// The beginning of generating.
fn first(system: &str) -> DataProgress<'_> {
    DataProgress { task: system, step: DataStep::Generate, done: 0, total: 1, note: "" }
}

/// Packs the data of a system in folder `data` into the file `out`, unless that is done already. Files that this program did not
/// generate are inspected first, because HDF5 trusts its input.
///
/// # Errors
///
/// If the data is missing or invalid, or the file cannot be written.
pub fn pack_data(
    suite: &Suite,
    system: &str,
    data: &Path,
    out: &Path,
    listener: &(dyn Fn(DataProgress<'_>) + Sync),
) -> Result<Packed> {
    let solver = systems::named(system)?;
    if generate::data_key(suite, solver, data)?.is_none() {
        let splits = suite.section(solver)?.splits();
        let files: Vec<_> = splits.filter_map(|split| well::split_files(data, solver.name(), split).ok()).collect();
        check_structure(&files.concat(), system, listener)?;
    }
    let progress = |done: usize, total: usize, note: &str| {
        listener(DataProgress { task: system, step: DataStep::Pack, done: done as u64, total: total as u64, note });
        interrupt::control_flow()
    };
    Ok(packed::pack(suite, solver, data, out, &progress)?)
}
