//! The Python installations that a method may start: those on PATH, and those that a method's folder names.

use std::{
    env,
    path::{Path, PathBuf},
};

/// What an installation, a virtual environment or pyenv keeps below its prefix.
const PARTS: [&str; 8] = ["bin", "lib", "lib64", "libexec", "pyvenv.cfg", "shims", "version", "versions"];

/// The files of every `python3` on PATH, of `programs`, of the one behind each if it is a link, and of the user's own packages. The rest
/// of a prefix, which may be somebody's home, is not among them.
pub(super) fn installations(programs: &[PathBuf]) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join("python3")).filter(|file| file.is_file());
    let found = found.chain(programs.iter().cloned());
    let both: Vec<_> = found.flat_map(|file| [file.canonicalize().unwrap_or_else(|_| file.clone()), file]).collect();
    let prefixes = both.iter().filter_map(|file| prefix(file).map(Path::to_owned));
    let own = env::var_os("HOME").map(|home| Path::new(&home).join(".local/lib"));
    let parts: Vec<_> = prefixes.flat_map(|prefix| PARTS.map(|part| prefix.join(part))).collect();
    parts.into_iter().chain(programs.iter().cloned()).chain(own).collect()
}

/// The folder that an installed program is in `bin` of, or in pyenv's `shims`.
fn prefix(file: &Path) -> Option<&Path> {
    let folder = file.parent()?;
    ["bin", "shims"].iter().any(|name| folder.ends_with(name)).then(|| folder.parent()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_brings_its_installation_and_nothing_beside_it() {
        let installed = installations(&["/some/venv/bin/python".into()]);
        assert!(installed.contains(&"/some/venv/lib".into()) && installed.contains(&"/some/venv/bin/python".into()));
        let alone = installations(&["/some/home/method/run".into()]);
        assert!(alone.contains(&"/some/home/method/run".into()) && !alone.contains(&"/some/home/lib".into()));
    }
}
