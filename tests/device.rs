//! `--device` and `doctor`, through the binary, with drivers that only pretend.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use libloading::Library;
use physrep_bench::{
    crates::Source,
    device::{
        Device,
        staging::{Buffer, Staging},
    },
};
use tempfile::TempDir;

const DRIVER: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int cuInit(unsigned flags) { return CODE; }
int cuDriverGetVersion(int *version) { *version = 13020; return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
int cuDeviceGet(int *device, int index) { *device = 40 + index; return 0; }
int cuDeviceGetName(char *name, int length, int device) { snprintf(name, length, "Pretended %d", device); return 0; }
int cuDeviceTotalMem_v2(unsigned long *bytes, int device) { *bytes = 80ul << 30; return 0; }

// Memory of the host, of which there is a MiB, for threads whose context is that of a card.
static __thread void *current;
long held;
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = (void *)(long)device; return 0; }
int cuCtxSetCurrent(void *context) { current = context; return 0; }
int cuMemHostAlloc(void **memory, unsigned long bytes, unsigned flags) {
    if (!current || flags != 1) return 201;
    if (held + bytes > 1 << 20) return 2;
    *memory = malloc(bytes + sizeof bytes);
    memcpy(*memory, &bytes, sizeof bytes);
    *memory += sizeof bytes;
    memset(*memory, 0xff, bytes);
    held += bytes;
    return 0;
}
int cuMemFreeHost(void *memory) {
    memory -= sizeof(unsigned long);
    held -= *(unsigned long *)memory;
    free(memory);
    return 0;
}
"#;

/// A driver whose initialisation ends with `code`.
fn driver(folder: &TempDir, code: u32) -> PathBuf {
    let library = folder.path().join(format!("driver{code}.so"));
    let source = library.with_extension("c");
    std::fs::write(&source, DRIVER).expect("written");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", &format!("-DCODE={code}"), "-o"])
        .args([&library, &source])
        .status()
        .expect("a C compiler");
    assert!(compiled.success());
    library
}

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

#[test]
fn batches_for_a_card_lie_in_memory_of_its_driver_for_as_long_as_they_are_used() {
    let folder = TempDir::new().expect("a folder");
    let path = driver(&folder, 0);
    // SAFETY: a library of this test.
    let load = || unsafe { Library::new(&path) }.expect("loads");
    let library = load();
    // SAFETY: a number of that library; nobody writes it meanwhile.
    let held = || unsafe { **library.get::<*const i64>(b"held").expect("there") };
    let staging = Staging::page_locked(load(), 1).expect("a card");
    let mut buffer = staging.zeros(1000).expect("memory");
    assert!(matches!(buffer, Buffer::PageLocked(_)));
    assert_eq!(held(), 4000);
    assert_eq!(*buffer, [0.0; 1000]);
    buffer[999] = 1.5;
    // It may be filled and freed by another thread than the one that asked for it.
    let sum = std::thread::spawn(move || buffer.iter().sum::<f32>()).join().expect("no panic");
    assert_eq!((sum, held()), (1.5, 0));

    let said = staging.zeros(1 << 20).expect_err("more than there is");
    assert_eq!(said, "the CUDA driver's cuMemHostAlloc failed with code 2");
    assert!(matches!(staging.zeros(0).expect("nothing"), Buffer::Heap(_)));
}

#[test]
fn a_driver_that_gives_no_memory_is_an_error_and_the_cpu_needs_none() {
    let folder = TempDir::new().expect("a folder");
    // SAFETY: a library of this test.
    let without_a_card = unsafe { Library::new(driver(&folder, 100)) }.expect("loads");
    let said = Staging::page_locked(without_a_card, 0).expect_err("no card");
    assert_eq!(said, "the CUDA driver finds no card");
    let (staging, reason) = Staging::on(Device::Cpu);
    assert!(matches!((&staging, reason), (Staging::Heap, None)));
    assert_eq!(*staging.zeros(3).expect("memory"), [0.0; 3]);
}
