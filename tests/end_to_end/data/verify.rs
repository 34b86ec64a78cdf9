//! `data verify` on damaged and hostile files.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use super::generate_micro;
use crate::support::{Random, TestProject};

/// A small valid file, and its bytes.
fn one_file(project: &TestProject) -> (PathBuf, Vec<u8>) {
    let path = generate_micro(project).join("data/valid/shear_flow_valid_0000.hdf5");
    let bytes = fs::read(&path).expect("readable");
    (path, bytes)
}

#[test]
fn a_trajectory_in_two_splits_is_an_error() {
    let project = TestProject::new();
    let data = generate_micro(&project).join("data");
    fs::copy(data.join("valid/shear_flow_valid_0000.hdf5"), data.join("test/again.hdf5")).expect("copied");
    let output = project.run(["data", "verify", "data/shear_flow"]).exits_with(1);
    let lines: Vec<&str> = output.out.lines().collect();
    assert_eq!(lines.len(), 5, "{}", output.out);
    for (index, line) in lines[..4].iter().enumerate() {
        assert!(line.starts_with("error: data/shear_flow/data/"), "{line}");
        assert!(line.contains(&format!("trajectory {index}: expected a trajectory that occurs once")), "{line}");
    }
    assert!(lines[4].ends_with(": 4 errors"), "{}", lines[4]);
}

/// Asserts that each file has an error line, and that no line is about anything else.
#[track_caller]
fn one_line_each(project: &TestProject, files: &BTreeMap<String, &str>) {
    let output = project.run(["data", "verify", "bad", "--stall-timeout", "2"]).exits_with(1);
    assert!(!output.err.contains("panicked"), "{}", output.err);
    let (findings, summary) = output.out.trim_end().rsplit_once('\n').expect("several lines");
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
fn hostile_files_get_one_line_each() {
    let project = TestProject::new();
    let (_, good) = one_file(&project);
    let bad = project.path("bad");
    fs::create_dir(&bad).expect("created");
    let mut files = BTreeMap::new();
    let mut write = |name: &str, bytes: &[u8], part| {
        fs::write(bad.join(name), bytes).expect("written");
        files.insert(name.to_owned(), part);
    };
    write("empty.hdf5", b"", "expected an HDF5 file");
    write("text.hdf5", b"not HDF5 at all", "expected an HDF5 file");
    write("zeros.h5", &[0; 100_000], "expected an HDF5 file");
    write(
        "cut.hdf5",
        &good[..good.len() / 2],
        "cannot open the file: H5Fopen(): unable to synchronously open file: truncated",
    );
    write("short.packed", b"PHYSPACK\x02\0\0\0\0\0\0\0{}", "a shorter file");
    let header = |length: u64| [b"PHYSPACK".as_slice(), &length.to_le_bytes(), &[0; 32], b"{}"].concat();
    write("long.packed", &header(u64::MAX), "header");
    write("other.packed", b"something else that ends in .packed", "expected an HDF5 file");
    write("empty.packed", &header(2), "header");
    let mut nan = good.clone();
    let last = nan.len() - 4;
    nan[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    write("nan.hdf5", &nan, "velocity[3, 33, 15, 31, 1]: expected finite values, found NaN");
    fs::create_dir(bad.join("folder.hdf5")).expect("created");
    files.insert("folder.hdf5".into(), "no regular file");
    symlink("loop.hdf5", bad.join("loop.hdf5")).expect("linked");
    files.insert("loop.hdf5".into(), "symbolic links");
    assert!(Command::new("mkfifo").arg(bad.join("pipe.hdf5")).status().expect("mkfifo runs").success());
    files.insert("pipe.hdf5".into(), "no regular file");
    one_line_each(&project, &files);

    let output = project.run(["data", "info", "bad"]).exits_with(1);
    assert!(output.out.contains("nan.hdf5") && output.err.contains("error: bad/empty.hdf5: "), "{}", output.err);
    project.run(["data", "verify", "nothing"]).exits_with(1);
}

/// Wherever a byte is damaged, in the heap of strings too, and wherever a file is cut off, `verify` answers in time.
#[test]
fn damaged_bytes_neither_hang_nor_crash() {
    let project = TestProject::new();
    let (_, good) = one_file(&project);
    let heap = good.windows(4).position(|w| w == b"GCOL").expect("HDF5 keeps strings in a heap");
    let bad = project.path("bad");
    fs::create_dir(&bad).expect("created");
    let mut random = Random::of("verify", 1);
    let count = 90;
    for i in 0..count {
        let mut bytes = good.clone();
        match i % 3 {
            0 => bytes[heap + random.below(1024)] ^= 1 + random.below(255) as u8,
            1 => bytes[random.below(8192)] ^= 1 + random.below(255) as u8,
            _ => bytes.truncate(random.below(good.len())),
        }
        fs::write(bad.join(format!("{i:03}.hdf5")), bytes).expect("written");
    }
    // This makes HDF5 2.2.0 loop forever: wrong sizes of the objects in the heap.
    let mut bytes = good.clone();
    let sizes = (heap + 24..heap + 600).step_by(8).filter(|&at| good[at..at + 8] != [0; 8]);
    sizes.for_each(|at| bytes[at] ^= 0xff);
    fs::write(bad.join("heap.hdf5"), bytes).expect("written");

    let clock = Instant::now();
    let output = project.run(["data", "verify", "bad", "--stall-timeout", "0.5"]).exits_with(1);
    assert!(clock.elapsed() < Duration::from_secs(120), "it took {:?}", clock.elapsed());
    assert!(
        output
            .out
            .lines()
            .all(|l| l.starts_with("error: bad/") || l.starts_with("warning: bad/") || l.contains(" files, ")),
        "{}",
        output.out
    );
    let cut = (0..count).filter(|i| i % 3 == 2);
    for i in cut {
        assert!(output.out.contains(&format!("error: bad/{i:03}.hdf5: ")), "{i} was cut off:\n{}", output.out);
    }
    assert!(output.out.lines().last().expect("a summary").starts_with(&format!("{} files, ", count + 1)));
}
