//! The Python installations on PATH, which a method may start.

use std::{
    env,
    path::{Path, PathBuf},
};

/// What an installation, a virtual environment or pyenv keeps below its prefix.
const PARTS: [&str; 8] = ["bin", "lib", "lib64", "libexec", "pyvenv.cfg", "shims", "version", "versions"];

/// The files of every `python3` on PATH, of the one behind it if it is a link, and of the user's own packages. The rest of a prefix,
/// which may be somebody's home, is not among them.
pub(super) fn installations() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join("python3")).filter(|file| file.is_file());
    let both = found.flat_map(|file| [file.canonicalize().unwrap_or_else(|_| file.clone()), file]);
    let prefixes = both.filter_map(|file| file.ancestors().nth(2).map(Path::to_owned));
    let own = env::var_os("HOME").map(|home| Path::new(&home).join(".local/lib"));
    prefixes.flat_map(|prefix| PARTS.map(|part| prefix.join(part))).chain(own).collect()
}
