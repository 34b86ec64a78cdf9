//! Batches on their way to a card, of a driver that only pretends, to a method that reads them there.

mod bench;
mod driver;

use std::path::{Path, PathBuf};

use bench::{Bench, Said, fixture};
use driver::{count, driver, driver_with, load};
use physrep_abi::LogLevel;
use physrep_bench::{
    crates::Source,
    device::{
        Device,
        staging::{Place, Staging},
    },
    loader::{Loader, Plan},
    plugin::{Callbacks, Geometry, Plugin, Session, SessionSpec},
};
use serde_json::{Value, json};
use tempfile::TempDir;

#[test]
fn batches_lie_in_page_locked_memory_for_as_long_as_they_are_used() {
    let folder = TempDir::new().expect("a folder");
    let path = driver(&folder, 0);
    let library = load(&path);
    let staging = Staging::with(load(&path), Place::PageLocked(1)).expect("a card");
    let (mut buffer, reason) = staging.zeros(1000);
    assert_eq!((format!("{buffer:?}").as_str(), reason), ("1000 numbers, page-locked", None));
    assert_eq!((count(&library, "held"), count(&library, "held_on_card")), (4000, 0));
    assert_eq!(*buffer, [0.0; 1000]);
    buffer.values_mut().expect("memory")[999] = 1.5;
    // It may be filled and freed by another thread than the one that asked for it.
    let sum = std::thread::spawn(move || buffer.iter().sum::<f32>()).join().expect("no panic");
    assert_eq!((sum, count(&library, "held")), (1.5, 0));
    assert_eq!(format!("{:?}", staging.zeros(0)), "(0 numbers, on the heap, None)");
}

#[test]
fn where_a_driver_has_no_memory_batches_stay_where_there_is_some_and_the_reason_is_told() {
    let folder = TempDir::new().expect("a folder");
    let said = Staging::with(load(&driver(&folder, 100)), Place::Card(0)).expect_err("no card");
    assert_eq!(said, "the CUDA driver finds no card");
    assert_eq!(format!("{:?}", Staging::at(Place::Host).zeros(3)), "(3 numbers, on the heap, None)");
    for (definition, place, expected) in [
        ("LIMIT=99", "on the heap", "a batch is not page-locked: the CUDA driver's cuMemHostAlloc failed with code 2"),
        (
            "CARD=99",
            "page-locked",
            "a batch is not copied to the card ahead: the CUDA driver's cuMemAllocAsync failed with code 2",
        ),
        ("CARD=100", "copied to the card", ""),
    ] {
        let path = driver_with(&folder, &["CODE=0", definition]);
        let (library, staging) = (load(&path), Staging::with(load(&path), Place::Card(0)).expect("a card"));
        let (buffer, reason) = staging.zeros(25);
        assert_eq!(format!("{buffer:?}"), format!("25 numbers, {place}"));
        assert_eq!(reason.unwrap_or_default(), expected);
        assert_eq!(*buffer, [0.0; 25]);
        drop(buffer);
        assert_eq!((count(&library, "held"), count(&library, "held_on_card")), (0, 0));
    }
}

/// The library of the method that reads clips on its card.
fn on_card() -> PathBuf {
    Source::Crate(fixture("plugins/device-memory")).library(Device::Cpu).expect("builds")
}

struct Silent;

impl Callbacks for Silent {
    fn log(&self, _: LogLevel, _: &str) {}

    fn metric(&self, _: &str, _: u64, _: f64) {}
}

#[test]
fn batches_reach_the_card_whole_and_in_order_however_late_the_driver_copies() {
    const SHAPE: [usize; 5] = [2, 3, 4, 8, 8];
    let folder = TempDir::new().expect("a folder");
    let path = driver(&folder, 0);
    let library = load(&path);
    let plugin = Plugin::open(&on_card()).expect("opens");
    let systems = [Geometry::anonymous(3, [8, 8])];
    let spec = SessionSpec {
        config: &json!({ "driver": path }),
        systems: &systems,
        context_frames: 4,
        future_frames: 4,
        batch: 2,
        steps: 0,
        seed: 0,
        device: Device::Cuda(1),
        scratch: "",
    };
    let session = Session::new(&plugin, &spec, &Silent).expect("a session");
    assert_eq!(session.place(), Place::Card(1));
    let staging = Staging::with(load(&path), session.place()).expect("a card");
    let plan = Plan { batch: 2, threads: 2, staging };
    let clip_len = SHAPE[1..].iter().product();
    std::thread::scope(|scope| {
        let fill = |&item: &usize, clip: &mut [f32]| {
            for (channel, values) in clip.chunks_exact_mut(clip_len / 3).enumerate() {
                values.fill((10 * item + channel) as f32);
            }
            Ok(())
        };
        let loader = Loader::spawn(scope, plan, 0..60, |_| clip_len, fill).expect("threads");
        for step in 0..30 {
            let batch = loader.next().expect("no error").expect("a batch");
            // Batches that nobody looks at are still on their way when their buffers shall be filled again.
            if step % 4 < 2 {
                let tokens = session.encode(batch.lend(), SHAPE, 0).expect("tokens");
                let first = 20.0 * step as f32;
                assert_eq!(tokens.values, [0.0, 1.0, 2.0, 10.0, 11.0, 12.0].map(|value| first + value));
            }
        }
        assert!(loader.next().expect("no error").is_none());
    });
    let counts = ["torn", "held", "held_on_card"].map(|name| count(&library, name));
    assert_eq!(counts, [0; 3]);
}

#[test]
fn a_batch_that_cannot_be_copied_is_an_error_at_its_turn() {
    let folder = TempDir::new().expect("a folder");
    let path = driver_with(&folder, &["CODE=0", "COPIES=2"]);
    let staging = Staging::with(load(&path), Place::Card(0)).expect("a card");
    let plan = Plan { batch: 1, threads: 1, staging };
    std::thread::scope(|scope| {
        let loader = Loader::spawn(scope, plan, 0..9, |_| 4, |_, _| Ok(())).expect("threads");
        for _ in 0..2 {
            assert_eq!(loader.next().expect("copied").expect("a batch").len(), 4);
        }
        let said = loader.next().expect_err("one too many").to_string();
        let expected = "a batch cannot be copied to the card: the CUDA driver's cuMemcpyHtoDAsync_v2 failed with code 700; \
                        what the method did there before may be the cause";
        assert_eq!(said, expected);
        assert!(loader.next().expect("no error").is_none());
    });
}

/// The keys that tell the method of its driver.
fn with(driver: &Path) -> String {
    format!("device-memory.driver={:?}", driver.display().to_string())
}

#[test]
fn bench_tells_the_peak_of_the_cards_memory() {
    let folder = TempDir::new().expect("a folder");
    let (bench, driver) = (Bench::new(), driver(&folder, 0));
    let library = on_card().display().to_string();
    let measured = |device: &str| {
        let mut command = bench.command(["bench", "device-memory", "--plugins", &library, "--set", &with(&driver)]);
        command.args(["--size", "8", "--steps", "2", "--batch", "3", "--channels", "5", "--frames", "2"]);
        command.args(["--device", device]).env("PHYSREP_CUDA_DRIVER", &driver);
        let said = Said::from(command.output().expect("runs")).ended_with(0);
        serde_json::from_str::<Value>(&said.out).expect("JSON")
    };
    let on_card = measured("cuda:1");
    assert_eq!(on_card["device"], "cuda:1 Pretended 41 (81920 MiB), driver of CUDA 13.2");
    // The method holds nothing there: the batch is all.
    assert_eq!(on_card["peak_card_memory_bytes"], 3 * 5 * 4 * 8 * 8 * 4, "{on_card}");
    assert!(measured("cpu").get("peak_card_memory_bytes").is_none());
}

#[test]
fn bench_waits_for_the_gpu_and_tells_what_failed_there() {
    let folder = TempDir::new().expect("a folder");
    let (bench, driver) = (Bench::new(), driver_with(&folder, &["CODE=0", "FAULT=700"]));
    let library = on_card().display().to_string();
    let mut command =
        bench.command(["bench", "device-memory", "--plugins", &library, "--set", &with(&driver), "--size", "8"]);
    command.args(["--frames", "2", "--device", "cuda:0"]).env("PHYSREP_CUDA_DRIVER", &driver);
    let said = Said::from(command.output().expect("runs")).ended_with(1);
    let expected = "device-memory: a step failed on the GPU: the CUDA driver's cuCtxSynchronize failed with code 700";
    assert!(said.err.contains(expected), "{}", said.err);
}

#[test]
fn a_run_on_a_card_gives_the_readings_of_one_on_the_cpu() {
    let folder = TempDir::new().expect("a folder");
    // With memory for the suite's batches.
    let (bench, driver) = (Bench::new(), driver_with(&folder, &["CODE=0", "LIMIT=(1ul<<30)"]));
    let results = ["cpu", "cuda:0"].map(|device| {
        let more = ["--methods", "device-memory", "--set", &with(&driver), "--device", device];
        let arguments = bench.all(&on_card().display().to_string(), device, &more);
        let output = bench.command(arguments).env("PHYSREP_CUDA_DRIVER", &driver).output().expect("runs");
        Said::from(output).ended_with(0);
        let table = std::fs::read_to_string(bench.path(device).join("table.md")).expect("a table");
        assert_eq!(table.contains("pretrain card MiB"), device != "cpu", "{table}");
        bench.results(device)
    });
    let [on_cpu, on_card] = &results;
    assert_eq!((on_cpu.len(), on_card.len()), (2, 2), "pretrained and at random");
    for (on_cpu, on_card) in on_cpu.iter().zip(on_card) {
        assert_eq!(on_cpu["initialisation"], on_card["initialisation"]);
        assert_eq!(on_cpu["readings"], on_card["readings"]);
        for phase in ["pretrain", "encode", "finetune"] {
            let peak = |result: &Value| result["cost"][phase]["peak_card_memory_mib"].as_u64();
            // Two batches of 4 clips of 32 frames, one of 16 of 16, two of 8 of 16; a frame is 4 x 16 x 32 numbers.
            let passed = on_card["cost"][phase]["seconds"].as_f64() > Some(0.0);
            assert_eq!((peak(on_cpu), peak(on_card)), (None, passed.then_some(2)), "{phase}: {}", on_card["cost"]);
        }
    }
}
