//! `data info`, `data verify` and `data generate` as a user runs them, on sound data, on hostile files, and killed.

#![cfg(unix)]

mod bench;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bench::Bench;
use serde_json::Value;

/// Generates the micro suite's data in `data`.
fn generate(bench: &Bench) -> PathBuf {
    let suite = bench::fixture("suites/micro.toml").display().to_string();
    bench.run(["data", "generate", "shear_flow", "--suite", &suite, "--out", "data"]).ended_with(0);
    bench.path("data/shear_flow")
}

/// A small good file, and its bytes.
fn one_file(bench: &Bench) -> (PathBuf, Vec<u8>) {
    let path = generate(bench).join("data/valid/shear_flow_Reynolds_5e1_Schmidt_1e0.hdf5");
    let bytes = fs::read(&path).expect("readable");
    (path, bytes)
}

#[test]
fn sound_data_is_described_and_verified() {
    let bench = Bench::new();
    generate(&bench);
    let said = bench.run(["data", "info", "data"]).ended_with(0);
    for part in ["shear_flow", "32 points", "periodic", "34 frames, 0 to 8.25", "50, 200", "8 trajectories, 4 files"] {
        assert!(said.out.contains(part), "{part} is missing:\n{}", said.out);
    }
    for part in ["16 x 34 x 16 x 32 x 2", "float32", "contiguous", "velocity_y", "training split"] {
        assert!(said.out.contains(part), "{part} is missing:\n{}", said.out);
    }
    let quick = bench.run(["data", "info", "data", "--no-stats"]).ended_with(0);
    assert!(quick.out.contains("pressure") && !quick.out.contains("velocity_y"), "{}", quick.out);

    let json: Value =
        serde_json::from_str(&bench.run(["data", "info", "--json", "data"]).ended_with(0).out).expect("JSON");
    let contents = &json[0]["contents"];
    assert_eq!(contents["parameters"][0]["values"], serde_json::json!([50.0, 200.0]));
    assert_eq!(json[0]["splits"][0]["trajectories"], 8);
    let std = contents["channels"][0]["std"].as_f64().expect("a number");
    let yaml = fs::read_to_string(bench.path("data/shear_flow/stats.yaml")).expect("readable");
    let kept = yaml.split_once("std:\n  tracer: ").expect("it is there").1.split_once('\n').expect("a line").0;
    assert!(
        (std / kept.parse::<f64>().expect("a number") - 1.0).abs() < 1e-4,
        "{std} in the report, {kept} in stats.yaml"
    );

    let said = bench.run(["data", "verify", "data"]).ended_with(0);
    assert_eq!(said.out, "12 files, 16 trajectories, 4.4 MiB: sound\n");
}

#[test]
fn a_trajectory_in_two_splits_is_an_error() {
    let bench = Bench::new();
    let data = generate(&bench).join("data");
    let name = "shear_flow_Reynolds_5e1_Schmidt_1e0.hdf5";
    fs::copy(data.join("valid").join(name), data.join("test").join(name)).expect("copied");
    let said = bench.run(["data", "verify", "data/shear_flow"]).ended_with(1);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", said.out);
    assert!(
        lines[0].starts_with("error: data/shear_flow/data/") && lines[0].contains("trajectory 0: "),
        "{}",
        lines[0]
    );
    assert!(lines[0].contains("expected a trajectory that occurs once"), "{}", lines[0]);
    assert!(lines[1].ends_with(": 1 error"), "{}", lines[1]);
}

/// Every file gets its line, and no line is about anything else.
#[track_caller]
fn one_line_each(bench: &Bench, files: &BTreeMap<String, &str>) {
    let said = bench.run(["data", "verify", "bad", "--patience", "2"]).ended_with(1);
    assert!(!said.err.contains("panicked"), "{}", said.err);
    let (findings, summary) = said.out.trim_end().rsplit_once('\n').expect("several lines");
    assert!(summary.starts_with(&format!("{} files, ", files.len())), "{summary}");
    for (name, part) in files {
        let line = findings.lines().find(|line| line.starts_with(&format!("error: bad/{name}: ")));
        let line = line.unwrap_or_else(|| panic!("{name} has no line in\n{findings}"));
        assert!(line.contains(part), "{line} lacks {part}");
    }
    for line in findings.lines() {
        assert!(line.starts_with("error: bad/") || line.starts_with("warning: bad/"), "{line}");
    }
}

#[test]
fn hostile_files_get_a_line_each() {
    let bench = Bench::new();
    let (_, good) = one_file(&bench);
    let bad = bench.path("bad");
    fs::create_dir(&bad).expect("created");
    let mut files = BTreeMap::new();
    let mut write = |name: &str, bytes: &[u8], part| {
        fs::write(bad.join(name), bytes).expect("written");
        files.insert(name.to_owned(), part);
    };
    write("empty.hdf5", b"", "expected an HDF5 file");
    write("text.hdf5", b"not HDF5 at all", "expected an HDF5 file");
    write("zeros.h5", &[0; 100_000], "expected an HDF5 file");
    write("cut.hdf5", &good[..good.len() / 2], "expected an HDF5 file");
    write("short.packed", b"PHYSPACK\xff\xff\xff\xff\xff\xff\xff\xff{}", "header");
    write("other.packed", b"something else that ends in .packed", "expected an HDF5 file");
    write("huge.packed", b"PHYSPACK\x02\0\0\0\0\0\0\0{}", "header");
    let mut nan = good.clone();
    let last = nan.len() - 4;
    nan[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    write("nan.hdf5", &nan, "velocity[0, 33, 15, 31, 1]: expected finite values, found NaN");
    fs::create_dir(bad.join("folder.hdf5")).expect("created");
    files.insert("folder.hdf5".into(), "no regular file");
    symlink("loop.hdf5", bad.join("loop.hdf5")).expect("linked");
    files.insert("loop.hdf5".into(), "symbolic links");
    assert!(Command::new("mkfifo").arg(bad.join("pipe.hdf5")).status().expect("mkfifo runs").success());
    files.insert("pipe.hdf5".into(), "no regular file");
    one_line_each(&bench, &files);

    let said = bench.run(["data", "info", "bad"]).ended_with(1);
    assert!(said.out.contains("nan.hdf5") && said.err.contains("error: bad/empty.hdf5: "), "{}", said.err);
    bench.run(["data", "verify", "nothing"]).ended_with(1);
}

/// Wherever a byte is wrong, the strings' heap included, and wherever a file ends, there is an answer in time.
#[test]
fn damaged_bytes_neither_hang_nor_crash() {
    let bench = Bench::new();
    let (_, good) = one_file(&bench);
    let heap = good.windows(4).position(|w| w == b"GCOL").expect("HDF5 keeps strings in a heap");
    let bad = bench.path("bad");
    fs::create_dir(&bad).expect("created");
    let mut number = Numbers(1);
    let count = 90;
    for i in 0..count {
        let mut bytes = good.clone();
        match i % 3 {
            0 => bytes[heap + number.below(1024)] ^= 1 + number.below(255) as u8,
            1 => bytes[number.below(8192)] ^= 1 + number.below(255) as u8,
            _ => bytes.truncate(number.below(good.len())),
        }
        fs::write(bad.join(format!("{i:03}.hdf5")), bytes).expect("written");
    }
    // What is known to send HDF5 2.2.0 round for ever: an object of the heap whose size is not what it was.
    let mut bytes = good.clone();
    let sizes = (heap + 24..heap + 600).step_by(8).filter(|&at| good[at..at + 8] != [0; 8]);
    sizes.for_each(|at| bytes[at] ^= 0xff);
    fs::write(bad.join("heap.hdf5"), bytes).expect("written");

    let clock = Instant::now();
    let said = bench.run(["data", "verify", "bad", "--patience", "0.5"]).ended_with(1);
    assert!(clock.elapsed() < Duration::from_secs(120), "it took {:?}", clock.elapsed());
    assert!(
        said.out
            .lines()
            .all(|l| l.starts_with("error: bad/") || l.starts_with("warning: bad/") || l.contains(" files, ")),
        "{}",
        said.out
    );
    let cut = (0..count).filter(|i| i % 3 == 2);
    for i in cut {
        assert!(said.out.contains(&format!("error: bad/{i:03}.hdf5: ")), "{i} was cut off:\n{}", said.out);
    }
    assert!(said.out.lines().last().expect("a summary").starts_with(&format!("{} files, ", count + 1)));
}

/// Numbers that are the same in every run (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// All files under `folder` with their bytes, by path.
fn all_bytes(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(all_bytes(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).expect("readable"));
        }
    }
    found
}

/// Finished trajectories: those that are kept one by one, and two for each training file, one for each other.
fn finished(folder: &Path) -> usize {
    let named = |folder: PathBuf, end: &str| {
        let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter(|n| n.to_string_lossy().ends_with(end) && !n.to_string_lossy().starts_with('.')).count()
    };
    let files = ["train", "train", "valid", "test"].map(|split| named(folder.join("data").join(split), ".hdf5"));
    named(folder.join(".parts"), ".part") + files.iter().sum::<usize>()
}

#[test]
fn a_killed_generation_loses_the_trajectory_in_flight_and_ends_with_the_same_bytes() {
    let bench = Bench::new();
    // Slow enough that a signal meets it at work.
    let suite = fs::read_to_string(bench::fixture("suites/micro.toml")).expect("readable");
    let suite = suite.replace("solve = [16, 32]", "solve = [64, 128]");
    fs::write(bench.path("slow.toml"), suite).expect("written");
    let arguments = |out: &'static str, threads: &'static str| {
        ["data", "generate", "shear_flow", "--suite", "./slow.toml", "--out", out, "--threads", threads]
    };
    let clock = Instant::now();
    bench.run(arguments("whole", "1")).ended_with(0);
    let whole = clock.elapsed();

    let mut number = Numbers(7);
    for threads in ["1", "2"] {
        let folder = bench.path("killed").join("shear_flow");
        let mut kept = 0;
        for _ in 0..5 {
            let mut child = bench
                .command(arguments("killed", threads))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program runs");
            thread::sleep(whole.mul_f64(number.below(300) as f64 / 1000.0));
            child.kill().expect("killed"); // SIGKILL
            child.wait().expect("waitable");
            let now = finished(&folder);
            assert!(now >= kept, "of {kept} finished trajectories, {now} are left after a kill");
            kept = now;
        }
        let said = bench.run(arguments("killed", threads)).ended_with(0);
        // A kill between a file's name and the removal of its parts leaves both: its two trajectories count twice.
        let twice = 2 * threads.parse::<usize>().expect("a number");
        let solved = (16 - kept.min(16)..=16 - kept.min(16) + twice)
            .any(|n| said.err.contains(&format!(" {n} of 16 trajectories solved")));
        assert!(solved, "{kept} were finished. It said:\n{}", said.err);
        let relative = |name: &str| -> BTreeMap<PathBuf, Vec<u8>> {
            let base = bench.path(name);
            let files = all_bytes(&base).into_iter();
            files.map(|(path, bytes)| (path.strip_prefix(&base).expect("below").to_owned(), bytes)).collect()
        };
        let (expected, found) = (relative("whole"), relative("killed"));
        assert!(expected.keys().eq(found.keys()), "{:?}", found.keys());
        assert!(expected == found, "some bytes differ");
        fs::remove_dir_all(bench.path("killed")).expect("removed");
    }
}
