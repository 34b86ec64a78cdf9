//! Host-to-device prefetch, with the mock CUDA driver.

use std::path::{Path, PathBuf};

use libloading::Library;
use physrep_abi::LogLevel;
use physrep_records::Device;
use serde_json::json;
use tempfile::TempDir;

use super::mock_driver::{driver, driver_with};
use crate::{
    device::{MemoryKind, Staging},
    plugin::{Callbacks, Geometry, Plugin, Session, SessionSpec},
    plugin_sources::PluginSource,
    prefetch::{Loader, PrefetchSettings},
};

/// Loads a driver once more.
fn load(driver: &Path) -> Library {
    // SAFETY: a library of these tests.
    unsafe { Library::new(driver) }.expect("loads")
}

/// A counter of a driver.
fn count(driver: &Library, name: &str) -> u64 {
    // SAFETY: a static variable of that library, which is not written concurrently.
    unsafe { **driver.get::<*const u64>(name.as_bytes()).expect("there") }
}

#[test]
fn batches_are_in_pinned_memory_until_they_are_dropped() {
    let folder = TempDir::new().expect("a folder");
    let path = driver(&folder, 0);
    let library = load(&path);
    let staging = Staging::with(load(&path), MemoryKind::Pinned(1)).expect("a GPU");
    let (mut buffer, reason) = staging.zeros(1000);
    assert_eq!((format!("{buffer:?}").as_str(), reason), ("1000 values, pinned", None));
    assert_eq!((count(&library, "held"), count(&library, "held_on_device")), (4000, 0));
    assert_eq!(*buffer, [0.0; 1000]);
    buffer.values_mut().expect("memory")[999] = 1.5;
    // Another thread than the one that allocated it may fill and free it.
    let sum = std::thread::spawn(move || buffer.iter().sum::<f32>()).join().expect("no panic");
    assert_eq!((sum, count(&library, "held")), (1.5, 0));
    assert_eq!(format!("{:?}", staging.zeros(0)), "(0 values, on the heap, None)");
}

#[test]
fn without_memory_of_the_driver_batches_stay_in_host_memory_and_the_reason_is_given() {
    let folder = TempDir::new().expect("a folder");
    let said = Staging::with(load(&driver(&folder, 100)), MemoryKind::Device(0)).expect_err("no GPU");
    assert_eq!(said, "the CUDA driver finds no GPU");
    assert_eq!(format!("{:?}", Staging::at(MemoryKind::Host).zeros(3)), "(3 values, on the heap, None)");
    for (definition, place, expected) in [
        ("LIMIT=99", "on the heap", "a batch is not pinned: the CUDA driver's cuMemHostAlloc failed with code 2"),
        (
            "DEVICE_LIMIT=99",
            "pinned",
            "a batch is not copied to the GPU ahead: the CUDA driver's cuMemAllocAsync failed with code 2",
        ),
        ("DEVICE_LIMIT=100", "copied to the GPU", ""),
    ] {
        let path = driver_with(&folder, &["CODE=0", definition]);
        let (library, staging) = (load(&path), Staging::with(load(&path), MemoryKind::Device(0)).expect("a GPU"));
        let (buffer, reason) = staging.zeros(25);
        assert_eq!(format!("{buffer:?}"), format!("25 values, {place}"));
        assert_eq!(reason.unwrap_or_default(), expected);
        assert_eq!(*buffer, [0.0; 25]);
        drop(buffer);
        assert_eq!((count(&library, "held"), count(&library, "held_on_device")), (0, 0));
    }
}

/// The library of the method that reads clips in device memory.
fn device_memory_plugin() -> PathBuf {
    PluginSource::Crate("../../tests/plugins/device-memory".into()).library(Device::Cpu, &|_| ()).expect("builds")
}

struct Silent;

impl Callbacks for Silent {
    fn log(&self, _: LogLevel, _: &str) {}

    fn metric(&self, _: &str, _: u64, _: f64) {}
}

#[test]
fn batches_reach_the_gpu_whole_and_in_order_however_late_the_driver_copies() {
    const SHAPE: [usize; 5] = [2, 3, 4, 8, 8];
    let folder = TempDir::new().expect("a folder");
    let path = driver(&folder, 0);
    let library = load(&path);
    let plugin = Plugin::open(&device_memory_plugin()).expect("opens");
    let spec = SessionSpec {
        config: json!({ "driver": path }),
        systems: vec![Geometry::anonymous(3, [8, 8])],
        context_frames: 4,
        future_frames: 4,
        batch: 2,
        steps: 0,
        seed: 0,
        device: Device::Cuda(1),
        scratch: "".into(),
    };
    let session = Session::new(&plugin, &spec, &Silent).expect("a session");
    assert_eq!(session.memory(), MemoryKind::Device(1));
    let staging = Staging::with(load(&path), session.memory()).expect("a GPU");
    let settings = PrefetchSettings { batch: 2, threads: 2, staging };
    let clip_len = SHAPE[1..].iter().product();
    std::thread::scope(|scope| {
        let fill = |&item: &usize, clip: &mut [f32]| {
            for (channel, values) in clip.chunks_exact_mut(clip_len / 3).enumerate() {
                values.fill((10 * item + channel) as f32);
            }
            Ok(())
        };
        let loader = Loader::spawn(scope, settings, 0..60, |_| clip_len, fill).expect("threads");
        for step in 0..30 {
            let batch = loader.next().expect("no error").expect("a batch");
            // Batches that are not read are still being copied when their buffers are filled again.
            if step % 4 < 2 {
                let tokens = session.encode(batch.as_batch(), SHAPE, 0).expect("tokens");
                let first = 20.0 * step as f32;
                assert_eq!(tokens.values, [0.0, 1.0, 2.0, 10.0, 11.0, 12.0].map(|value| first + value));
            }
        }
        assert!(loader.next().expect("no error").is_none());
    });
    let counts = ["torn", "held", "held_on_device"].map(|name| count(&library, name));
    assert_eq!(counts, [0; 3]);
}

#[test]
fn a_batch_that_cannot_be_copied_is_an_error_when_it_is_due() {
    let folder = TempDir::new().expect("a folder");
    let path = driver_with(&folder, &["CODE=0", "COPIES=2"]);
    let staging = Staging::with(load(&path), MemoryKind::Device(0)).expect("a GPU");
    let settings = PrefetchSettings { batch: 1, threads: 1, staging };
    std::thread::scope(|scope| {
        let loader = Loader::spawn(scope, settings, 0..9, |_| 4, |_, _| Ok(())).expect("threads");
        for _ in 0..2 {
            assert_eq!(loader.next().expect("copied").expect("a batch").len(), 4);
        }
        let said = loader.next().expect_err("one too many").to_string();
        let expected = "a batch cannot be copied to the GPU: the CUDA driver's cuMemcpyHtoDAsync_v2 failed with code 700; \
                        what the method did there before may be the cause";
        assert_eq!(said, expected);
        assert!(loader.next().expect("no error").is_none());
    });
}
