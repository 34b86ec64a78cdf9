//! Libraries that came with an installed program, in `lib/physrep-bench` beside the folder of the program:
//!
//! ```text
//! bin/physrep-bench
//! lib/physrep-bench/libphysrep_external.so    starts methods in another process
//! lib/physrep-bench/cuda/                     the library that fits probes on a GPU
//! lib/physrep-bench/methods/                  the bundled methods
//! lib/physrep-bench/methods/cuda/             the same, built for GPUs
//! ```

use std::{
    env::{
        consts::{DLL_EXTENSION, DLL_PREFIX, DLL_SUFFIX},
        current_exe,
    },
    io,
    path::{Path, PathBuf},
};

use physrep_records::Device;

/// The folder of what is built for GPUs, beside what is built for the CPU.
const CUDA: &str = "cuda";

/// The library called `name`, built for `device`: one that came with this program, or lies beside it.
pub(crate) fn library(name: &str, device: Device) -> Option<PathBuf> {
    let file = format!("{DLL_PREFIX}{name}{DLL_SUFFIX}");
    let program = this_program().ok()?;
    let folders = [folder_of(&program), program.parent().map(Path::to_owned)];
    folders.into_iter().flatten().map(|folder| built_for(device, &folder).join(&file)).find(|path| path.is_file())
}

/// The libraries of the methods that came with this program, in order of their names; none if it came alone.
pub fn shipped_methods() -> Vec<PathBuf> {
    let folder = this_program().ok().and_then(|program| folder_of(&program));
    let entries = folder.and_then(|folder| folder.join("methods").read_dir().ok());
    let files = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    let mut libraries: Vec<_> = files.filter(|file| file.extension().is_some_and(|e| e == DLL_EXTENSION)).collect();
    libraries.sort();
    libraries
}

/// The library at `path` as it is built for `device`: on a GPU the one of that name in `cuda` beside it, if it is there.
pub(crate) fn for_device(path: &Path, device: Device) -> PathBuf {
    let built = path.file_name().and_then(|name| Some(built_for(device, path.parent()?).join(name)));
    built.filter(|built| built.is_file()).unwrap_or_else(|| path.to_owned())
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
