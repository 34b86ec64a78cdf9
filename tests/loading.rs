//! What the loader takes, and how it refuses what does not fit.

mod bench;

use std::{fs, path::PathBuf, process::Command};

use bench::{fixture, root};
use physrep_abi::{ABI_MAJOR, ABI_MINOR};
use physrep_bench::{crates::Source, device::Device, plugin::Plugin};

fn library(folder: PathBuf) -> PathBuf {
    Source::Crate(folder).library(Device::Cpu).unwrap_or_else(|e| panic!("{e}"))
}

fn refusal(path: PathBuf) -> String {
    let error = Plugin::open(&path).expect_err("refused").to_string();
    assert_eq!(error.lines().count(), 1, "one line: {error}");
    assert!(error.contains(&path.file_name().expect("a file").to_string_lossy().into_owned()), "{error}");
    error
}

#[test]
fn several_libraries_live_in_one_process() {
    let jepa = library(root().join("plugins/jepa"));
    let hostile = library(fixture("plugins/hostile"));
    let plugins = [&jepa, &hostile, &jepa].map(|path| Plugin::open(path).unwrap_or_else(|e| panic!("{e}")));
    assert_eq!(plugins.map(|plugin| plugin.name().to_owned()), ["jepa", "hostile", "jepa"]);
}

#[test]
fn what_is_no_plugin_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = folder.path().join("text.so");
    fs::write(&text, "not a library").expect("writable");
    assert!(refusal(text).contains("cannot be opened as a dynamic library"));
    assert!(refusal(folder.path().join("absent.so")).contains("cannot be opened"));

    let c = |name: &str, source: &str| {
        let (code, library) = (folder.path().join(format!("{name}.c")), folder.path().join(format!("{name}.so")));
        fs::write(&code, source).expect("writable");
        let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&code).status();
        assert!(status.expect("a C compiler").success());
        library
    };
    let stranger = refusal(c("stranger", "int answer(void) { return 42; }"));
    assert!(stranger.contains("not a physrep-bench plugin") && stranger.contains("export_method!"), "{stranger}");
    let future = refusal(c("future", "unsigned long long physrep_abi_version(void) { return (2ULL << 32) | 5; }"));
    let ours = format!("this host {ABI_MAJOR}.{ABI_MINOR}");
    assert!(future.contains("ABI 2.5") && future.contains(&ours) && future.contains("Rebuild"), "{future}");
    let hollow = refusal(c("hollow", "unsigned long long physrep_abi_version(void) { return 1ULL << 32; }"));
    assert!(hollow.contains("no root module"), "{hollow}");
}

#[test]
fn foreign_layouts_are_refused_before_anything_is_called() {
    for name in ["plugins/foreign-root", "plugins/foreign-table"] {
        let error = refusal(library(fixture(name)));
        assert!(error.contains("laid out differently") && error.contains("Rebuild"), "{name}: {error}");
    }
}

#[test]
fn a_crate_that_does_not_build_is_an_error_with_the_compilers_words() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = "[package]\nname = \"broken\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::create_dir(folder.path().join("src")).expect("writable");
    fs::write(folder.path().join("Cargo.toml"), manifest).expect("writable");
    fs::write(folder.path().join("src/lib.rs"), "pub fn f() -> u8 { \"text\" }").expect("writable");
    let error = Source::Crate(folder.path().to_owned()).library(Device::Cpu).expect_err("refused").to_string();
    assert!(error.contains("does not build") && error.contains("mismatched types"), "{error}");

    fs::write(folder.path().join("src/lib.rs"), "").expect("writable");
    let error = Source::Crate(folder.path().to_owned()).library(Device::Cpu).expect_err("refused").to_string();
    assert!(error.contains("cdylib"), "{error}");
}
