//! `--device` and `doctor`, through the binary, with drivers that only pretend.

mod driver;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use driver::driver;
use physrep_bench::{crates::Source, device::Device};
use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout")
}

fn run(driver: &Path, path: Option<&Path>, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_physrep-bench"));
    command.current_dir(root()).env("PHYSREP_CUDA_DRIVER", driver).args(arguments);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let Output { status, stdout, stderr } = command.output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_card_that_is_not_there_is_an_error_that_lists_what_is() {
    let folder = TempDir::new().expect("a folder");
    let driver = driver(&folder, 0);
    let (code, _, err) = run(&driver, None, &["bench", "jepa", "--device", "cuda:2"]);
    assert_eq!(code, Some(2), "{err}");
    let cards = "cuda:0 Pretended 40 (81920 MiB); cuda:1 Pretended 41 (81920 MiB)";
    assert!(err.contains("--device cuda:2: there is no such card") && err.contains(cards), "{err}");

    let (code, _, err) = run(Path::new("nowhere.so"), None, &["bench", "jepa", "--device", "cuda:0"]);
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("--device cuda:0: no CUDA driver: nowhere.so does not load"), "{err}");

    let (code, _, err) = run(&driver, None, &["bench", "jepa", "--device", "gpu"]);
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("expected auto, cpu or cuda:N"), "{err}");
}

#[test]
fn auto_without_a_card_computes_on_the_cpu_and_says_why() {
    let folder = TempDir::new().expect("a folder");
    let library = Source::Crate(root().join("plugins/jepa")).library(Device::Cpu).expect("builds");
    let library = library.to_str().expect("text");
    let small = ["--size", "16", "--steps", "1", "--set", "jepa.dims=[4,4,8,8,8]"];
    let arguments = [&["bench", "jepa", "--plugins", library, "--mode", "encode"][..], &small].concat();
    let cases = [
        (PathBuf::from("nowhere.so"), "device: cpu (no CUDA driver: nowhere.so does not load)"),
        (driver(&folder, 100), "device: cpu (the CUDA driver finds no card)"),
        (driver(&folder, 999), "device: cpu (the CUDA driver's cuInit failed with code 999)"),
    ];
    for (driver, line) in cases {
        let (code, out, err) = run(&driver, None, &arguments);
        assert_eq!((code, err.trim()), (Some(0), line));
        assert!(out.contains("\"device\": \"cpu\""), "{out}");
    }
}

#[test]
fn auto_takes_the_first_card_when_plugins_can_be_built_for_it() {
    let folder = TempDir::new().expect("a folder");
    let driver = driver(&folder, 0);
    std::fs::write(folder.path().join("nvcc"), "").expect("written");
    let library = Source::Crate(root().join("plugins/jepa")).library(Device::Cpu).expect("builds");
    // The library stands for one that somebody built without the feature: the card is chosen, and the plugin refuses it.
    let arguments = ["bench", "jepa", "--plugins", library.to_str().expect("text"), "--size", "16", "--steps", "1"];
    let (code, _, err) = run(&driver, Some(folder.path()), &arguments);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("without the feature `cuda`; it cannot compute on device kind 2 index 0"), "{err}");
}

#[test]
fn doctor_says_what_there_is_and_what_is_missing() {
    let folder = TempDir::new().expect("a folder");
    let (code, out, _) = run(&driver(&folder, 0), None, &["doctor"]);
    assert_eq!(code, Some(0), "{out}");
    for line in ["runs CUDA 13.2", "cuda:1 Pretended 41 (81920 MiB)", "jepa"] {
        assert!(out.contains(line), "{line} in {out}");
    }
    let (code, out, _) = run(Path::new("nowhere.so"), None, &["doctor"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("no CUDA driver: nowhere.so does not load; methods compute on the CPU"), "{out}");

    // Without cargo nothing can be built: that is an error.
    let mut command = Command::new(env!("CARGO_BIN_EXE_physrep-bench"));
    command.arg("doctor").current_dir(root()).env("PATH", folder.path()).env_remove("CARGO").env_remove("RUSTC");
    let output = command.output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("cargo          MISSING"));
}
