//! The Python package `physrep`, which is a part of this library: a program in Python finds it without an installation, and always the
//! one that speaks this version of the protocol.

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

/// The files of the package.
const FILES: [(&str, &str); 9] = [
    ("__init__.py", include_str!("../../../plugin-api/python/physrep/__init__.py")),
    ("arrays.py", include_str!("../../../plugin-api/python/physrep/arrays.py")),
    ("batch.py", include_str!("../../../plugin-api/python/physrep/batch.py")),
    ("errors.py", include_str!("../../../plugin-api/python/physrep/errors.py")),
    ("geometry.py", include_str!("../../../plugin-api/python/physrep/geometry.py")),
    ("lines.py", include_str!("../../../plugin-api/python/physrep/lines.py")),
    ("method.py", include_str!("../../../plugin-api/python/physrep/method.py")),
    ("py.typed", include_str!("../../../plugin-api/python/physrep/py.typed")),
    ("serve.py", include_str!("../../../plugin-api/python/physrep/serve.py")),
];

/// Writes the package into a folder of `scratch`. Gives the value of `PYTHONPATH` with which programs find it first.
pub(crate) fn install(scratch: &Path) -> io::Result<OsString> {
    let path = scratch.join("python");
    let package = path.join("physrep");
    fs::create_dir_all(&package)?;
    for (name, text) in FILES {
        fs::write(package.join(name), text)?;
    }
    let others = env::var_os("PYTHONPATH").unwrap_or_default();
    let others = env::split_paths(&others).filter(|path| !path.as_os_str().is_empty());
    let paths = [path].into_iter().chain(others).collect::<Vec<PathBuf>>();
    env::join_paths(paths).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_package_is_installed_and_has_the_version_of_the_workspace() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-api/python");
        let mut found: Vec<_> = fs::read_dir(source.join("physrep"))
            .expect("the package")
            .map(|entry| entry.expect("readable").file_name().into_string().expect("a name"))
            .filter(|name| name != "__pycache__")
            .collect();
        found.sort();
        assert_eq!(found, FILES.map(|(name, _)| name));
        let project = fs::read_to_string(source.join("pyproject.toml")).expect("readable");
        assert!(project.contains(&format!("version = \"{}\"", env!("CARGO_PKG_VERSION"))), "{project}");

        let scratch = tempfile::tempdir().expect("a folder");
        let path = install(scratch.path()).expect("written");
        let first = env::split_paths(&path).next().expect("a folder");
        assert!(first.join("physrep/__init__.py").is_file());
    }
}
