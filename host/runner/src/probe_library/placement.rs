//! Where the probes of a run are fitted, and the library that this takes.
//!
//! The library will be in the process that has the labels, so it comes from where the program does, and never from beside a method.

use std::{
    env,
    path::{Path, PathBuf},
};

use physrep_records::{Device, ProbeLibraryFile, files};

use crate::{
    error::{Error, Result},
    plugin_sources::PluginSource,
    shipped,
};

/// The library's crate in a checkout.
const CRATE: &str = "host/probe-library";

/// Where the trained probes of a run are fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbePlacement {
    /// On the CPU, wherever methods compute.
    Cpu,
    /// On the device of the methods.
    WithMethods,
}

impl ProbePlacement {
    /// The library for probes of methods on `device`; none if they are fitted on the CPU, which takes none. It came with the
    /// program, or is a crate of the checkout that the program, or else the current folder, is in. A stale crate is built;
    /// `building` is told of it before.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if there is neither; [`Error::Build`] if the crate does not build.
    pub(crate) fn library(self, device: Device, building: &dyn Fn(&Path)) -> Result<Option<ProbeLibraryFile>> {
        if self == Self::Cpu || device.is_cpu() {
            return Ok(None);
        }
        let path = match shipped::library("physrep_probe_library", device)? {
            Some(shipped) => shipped,
            None => build(device, building)?,
        };
        Ok(Some(ProbeLibraryFile { checksum: files::checksum(&path)?, path }))
    }
}

/// The library, built in the checkout that the program, or else the current folder, is in.
fn build(device: Device, building: &dyn Fn(&Path)) -> Result<PathBuf> {
    let program = shipped::this_program().map_err(Error::io("this program"))?;
    let here = env::current_dir().map_err(Error::io("."))?;
    let folder = [&program, &here].into_iter().find_map(|place| checkout_crate(place));
    let folder = folder.ok_or_else(|| not_found(device, &program))?;
    building(&folder);
    PluginSource::Crate(folder).library(device, &|_| ())
}

/// The library's crate in the checkout that `place` is in.
fn checkout_crate(place: &Path) -> Option<PathBuf> {
    place.ancestors().map(|above| above.join(CRATE)).find(|folder| folder.join("Cargo.toml").is_file())
}

fn not_found(device: Device, program: &Path) -> Error {
    Error::Usage(format!(
        "fitting probes on {device} takes the probe library: none came with {} (cuda/libphysrep_probe_library.so beside it), and neither the program nor the current \
         folder is in a checkout of physrep-bench, in which it would be built; run inside a checkout, or fit on the CPU with --probes-on-cpu",
        program.display()
    ))
}
