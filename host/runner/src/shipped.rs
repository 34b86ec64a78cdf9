//! Libraries that came with an installed program, in `lib/physrep-bench` beside the folder of the program:
//!
//! ```text
//! bin/physrep-bench
//! lib/physrep-bench/libphysrep_external.so    starts methods in another process
//! lib/physrep-bench/methods/                  the bundled methods
//! lib/physrep-bench/cuda.tar.xz               the same, built for GPUs, and the library that fits probes there
//! ```
//!
//! Libraries for GPUs share most of what they have, so that an archive of them is small. It is unpacked when a GPU is first used.

use std::{
    env::{
        consts::{DLL_EXTENSION, DLL_PREFIX, DLL_SUFFIX},
        current_exe,
    },
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use lzma_rust2::XzReader;
use physrep_records::{Device, files};

use crate::{
    error::{Error, Result},
    unpack::unpack_once,
    user_folder::user_folder,
};

/// The folder of what is built for GPUs, beside what is built for the CPU.
const CUDA: &str = "cuda";
/// The libraries for GPUs that came with the program.
const ARCHIVE: &str = "cuda.tar.xz";
/// The folder of the methods that came with the program.
const METHODS: &str = "methods";

/// The library called `name`, built for `device`: one that lies beside this program, or came with it.
///
/// # Errors
///
/// If libraries for GPUs came with it, and cannot be unpacked.
pub(crate) fn library(name: &str, device: Device) -> Result<Option<PathBuf>> {
    let file = format!("{DLL_PREFIX}{name}{DLL_SUFFIX}");
    let Ok(program) = this_program() else { return Ok(None) };
    let beside = program.parent().map(|folder| built_for(device, folder).join(&file)).filter(|path| path.is_file());
    match (beside, folder_of(&program)) {
        (Some(path), _) => Ok(Some(path)),
        (None, Some(folder)) => {
            Ok(came_with(&folder, device)?.map(|folder| folder.join(file)).filter(|path| path.is_file()))
        }
        (None, None) => Ok(None),
    }
}

/// The libraries of the methods that came with this program, in order of their names; none if it came alone.
pub fn shipped_methods() -> Vec<PathBuf> {
    let folder = this_program().ok().and_then(|program| folder_of(&program));
    let entries = folder.and_then(|folder| folder.join(METHODS).read_dir().ok());
    let files = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    let mut libraries: Vec<_> = files.filter(|file| file.extension().is_some_and(|e| e == DLL_EXTENSION)).collect();
    libraries.sort();
    libraries
}

/// The library at `path` as it is built for `device`: on a GPU the one of that name in `cuda` beside it, or in the archive that it came
/// with, if it is there.
///
/// # Errors
///
/// If the archive cannot be unpacked.
pub(crate) fn for_device(path: &Path, device: Device) -> Result<PathBuf> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(path.to_owned()) };
    let beside = built_for(device, folder).join(name);
    if beside.is_file() {
        return Ok(beside);
    }
    let came = match folder.parent().filter(|_| folder.ends_with(METHODS)) {
        Some(root) => came_with(root, device)?.map(|folder| folder.join(name)).filter(|path| path.is_file()),
        None => None,
    };
    Ok(came.unwrap_or_else(|| path.to_owned()))
}

/// The folder of the libraries for `device` that came in `root`; none if there are none for GPUs.
fn came_with(root: &Path, device: Device) -> Result<Option<PathBuf>> {
    if device.is_cpu() {
        return Ok(Some(root.to_owned()));
    }
    let archive = root.join(ARCHIVE);
    if archive.is_file() { unpacked(&archive).map(Some) } else { Ok(None) }
}

/// The folder of an archive's files, in the folder of the user. Another archive has another folder.
fn unpacked(archive: &Path) -> Result<PathBuf> {
    let folder = user_folder()?.join("libraries").join(&files::checksum(archive)?[..16]);
    let packed = BufReader::new(File::open(archive).map_err(Error::io(archive))?);
    unpack_once::<Error>(&folder, XzReader::new(packed, false), |_| Ok(()))?;
    Ok(folder)
}

/// Where this program is; or was, if it has been replaced since it was started.
pub(crate) fn this_program() -> io::Result<PathBuf> {
    let program = current_exe()?;
    Ok(program.canonicalize().unwrap_or(program))
}

fn built_for(device: Device, folder: &Path) -> PathBuf {
    if device.is_cpu() { folder.to_owned() } else { folder.join(CUDA) }
}

fn folder_of(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?.parent()?.join("lib/physrep-bench");
    folder.is_dir().then_some(folder)
}
