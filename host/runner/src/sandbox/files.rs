//! Files and other processes, restricted by Landlock (Linux 5.13 and newer): what is not allowed is forbidden, and a process outside
//! the sandbox can be neither traced nor, from Linux 6.12 on, sent a signal.

use std::{
    env,
    error::Error as _,
    fs, io,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, Scope, path_beneath_rules,
};

use super::{access::Access, python};
use crate::error::{Error, Result, plain};

/// The version of Landlock that restricts signals.
pub(super) const SIGNALS: ABI = ABI::V6;

/// The newest version whose restrictions are asked for; an older kernel enforces those that it has.
const NEWEST: ABI = ABI::V7;

/// Programs, libraries and settings of the system, in the places of usual distributions; and what processes read of themselves.
const SYSTEM: [&str; 13] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc",
    "/opt",
    "/nix",
    "/gnu",
    "/proc",
    "/sys",
    "/run/current-system",
];

/// Variables that name files or folders, or lists of them, from which libraries and interpreters are loaded.
const VARIABLES: [&str; 10] = [
    READABLE,
    "LD_LIBRARY_PATH",
    "CUDA_HOME",
    "CUDA_PATH",
    "PHYSREP_CUDA_DRIVER",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONUSERBASE",
];

/// The variable with which a user lets methods read more, such as weights that they begin with.
const READABLE: &str = "PHYSREP_READABLE";

/// Devices that hold nothing.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Restricts this thread, and those that it starts, to what `access` says. Returns the version of Landlock that enforces it.
pub(super) fn restrict(access: &Access) -> Result<ABI> {
    let read = AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir;
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let rules = |paths: Vec<PathBuf>, rights: BitFlags<AccessFs>| path_beneath_rules(paths, rights);
    let mut writable = access.writable.clone();
    let mut threads = Vec::new();
    if access.gpu {
        writable.extend(driver_cache());
        // The driver gives its threads names.
        threads.push("/proc/self/task".into());
    }
    let restricted = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .and_then(|ruleset| ruleset.add_rules(rules(readable(access), read)))
        .and_then(|ruleset| ruleset.add_rules(rules(devices(access.gpu), device)))
        .and_then(|ruleset| ruleset.add_rules(rules(threads, AccessFs::ReadFile | AccessFs::WriteFile)))
        .and_then(|ruleset| ruleset.add_rules(rules(writable, AccessFs::from_all(NEWEST))))
        .and_then(|ruleset| ruleset.restrict_self());
    match restricted.map_err(refused)?.landlock {
        LandlockStatus::Available { effective_abi, .. } => Ok(effective_abi),
        _ => Ok(ABI::Unsupported),
    }
}

fn refused(error: RulesetError) -> Error {
    let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    Error::io("the sandbox of a method")(io::Error::other(format!("Landlock refuses it: {why}")))
}

/// What a user lets methods read beyond libraries and interpreters.
pub(super) fn exceptions() -> impl Iterator<Item = String> {
    let set = [READABLE, "PYTHONPATH"].into_iter().filter_map(|name| Some((name, env::var_os(name)?)));
    set.map(|(name, value)| format!("except files in {name}: {}", plain(&value.to_string_lossy())))
}

/// What may be read: files of the system without those that are hidden, and what is named.
fn readable(access: &Access) -> Vec<PathBuf> {
    let canonical = |path: &PathBuf| path.canonicalize().ok();
    let hidden: Vec<PathBuf> = access.hidden.iter().filter_map(canonical).collect();
    let variables = VARIABLES.iter().filter_map(env::var_os);
    let named = variables.flat_map(|value| env::split_paths(&value).collect::<Vec<_>>());
    let named = named.filter(|path| path.is_absolute());
    let roots = SYSTEM.iter().map(PathBuf::from).chain(named).chain(python::installations(&access.programs));
    let system = roots.filter_map(|path| canonical(&path)).flat_map(|root| without(&root, &hidden));
    let named = access.readable.iter().filter_map(canonical).flat_map(|root| without(&root, &hidden));
    system.chain(named).chain([access.library.clone()]).collect()
}

/// The parts of `root` that contain none of the folders `hidden`; all paths are canonical.
fn without(root: &Path, hidden: &[PathBuf]) -> Vec<PathBuf> {
    if hidden.iter().any(|folder| root.starts_with(folder)) {
        return Vec::new();
    }
    if !hidden.iter().any(|folder| folder.starts_with(root)) {
        return vec![root.to_owned()];
    }
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let own = entries.filter(|entry| !entry.file_type().is_ok_and(|kind| kind.is_symlink()));
    own.flat_map(|entry| without(&entry.path(), hidden)).collect()
}

/// The devices that may be used.
fn devices(gpu: bool) -> Vec<PathBuf> {
    let mut devices: Vec<PathBuf> = DEVICES.iter().map(PathBuf::from).collect();
    if gpu {
        let all = fs::read_dir("/dev").into_iter().flatten().flatten();
        devices
            .extend(all.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"nvidia")).map(|e| e.path()));
        devices.push("/dev/dri".into());
    }
    devices
}

/// The folder in which the CUDA driver keeps what it has compiled, made if it is missing: without it each process compiles again.
fn driver_cache() -> Option<PathBuf> {
    let set = env::var_os("CUDA_CACHE_PATH").map(PathBuf::from);
    let folder = set.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".nv/ComputeCache")))?;
    fs::create_dir_all(&folder).ok()?;
    Some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_folders_are_cut_out_of_readable_ones() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("there");
        for name in ["a/data/deep", "a/code", "b"] {
            fs::create_dir_all(root.join(name)).expect("made");
        }
        std::os::unix::fs::symlink(root.join("a"), root.join("b/link")).expect("made");
        let hidden = [root.join("a/data")];
        let sorted = |mut paths: Vec<PathBuf>| {
            paths.sort();
            paths
        };
        assert_eq!(sorted(without(&root, &hidden)), [root.join("a/code"), root.join("b")]);
        assert_eq!(without(&root.join("a/data/deep"), &hidden), Vec::<PathBuf>::new());
        assert_eq!(without(&root.join("b"), &hidden), [root.join("b")]);
    }
}
