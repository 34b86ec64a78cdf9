//! A mock CUDA driver with two GPUs, compiled from `mock_driver.c`.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A driver whose `cuInit` returns `code`.
pub fn driver(folder: &TempDir, code: u32) -> PathBuf {
    driver_with(folder, &[&format!("CODE={code}")])
}

/// A driver with these macros defined; the source says which there are.
pub fn driver_with(folder: &TempDir, definitions: &[&str]) -> PathBuf {
    let library = folder.path().join(format!("driver-{}.so", definitions.join("-")));
    let mut compiler = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-pthread"])
        .args(definitions.iter().map(|definition| format!("-D{definition}")))
        .args(["-x", "c", "-", "-o"])
        .arg(&library)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a C compiler");
    let mut source = compiler.stdin.take().expect("piped");
    source.write_all(include_bytes!("mock_driver.c")).expect("the compiler reads it");
    drop(source);
    assert!(compiler.wait().expect("an end").success());
    library
}
