//! A CUDA driver that only pretends, compiled from `driver.c`.

// Each test target uses a part of this.
#![allow(dead_code)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use libloading::Library;
use tempfile::TempDir;

/// A driver whose initialisation ends with `code`.
pub fn driver(folder: &TempDir, code: u32) -> PathBuf {
    driver_with(folder, &[&format!("CODE={code}")])
}

/// A driver with those definitions in its source.
pub fn driver_with(folder: &TempDir, definitions: &[&str]) -> PathBuf {
    let library = folder.path().join(format!("driver-{}.so", definitions.join("-")));
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-pthread"])
        .args(definitions.iter().map(|definition| format!("-D{definition}")))
        .arg("-o")
        .args([&library, &Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/driver.c")])
        .status()
        .expect("a C compiler");
    assert!(compiled.success());
    library
}

/// Loads it once more.
pub fn load(driver: &Path) -> Library {
    // SAFETY: a library of these tests.
    unsafe { Library::new(driver) }.expect("loads")
}

/// A number that a driver counts.
pub fn count(driver: &Library, name: &str) -> u64 {
    // SAFETY: a number of that library, which nobody writes meanwhile.
    unsafe { **driver.get::<*const u64>(name.as_bytes()).expect("there") }
}
