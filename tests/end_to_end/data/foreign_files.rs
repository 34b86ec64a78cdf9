//! Files of The Well that other programs have written: the same values, or the reason why they cannot be read.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::Stdio,
};

use serde_json::Value;

use super::generate_micro;
use crate::support::{Output, Suite, TestProject, fixture, python};

/// A project with generated data, and in `files` what `tests/programs/hdf5_files.py` makes of its file of the training split.
fn project() -> Option<(TestProject, PathBuf)> {
    let mut python = python("h5py")?;
    let project = TestProject::new();
    let folder = generate_micro(&project);
    let file = folder.join("data/train/shear_flow_train_0000.hdf5");
    let output: Output = python
        .arg(fixture("programs/hdf5_files.py"))
        .args([&file, &project.path("files")])
        .output()
        .expect("it runs")
        .into();
    output.exits_with(0);
    // Files of others have no checksums beside them.
    fs::remove_file(folder.join("checksums.json")).expect("there");
    Some((project, file))
}

/// The checksum of the packed values, and the values, of data whose file of the training split is replaced.
fn packed_with(project: &TestProject, file: &PathBuf, other: &str) -> (Value, Vec<u8>) {
    fs::copy(project.path(other), file).expect("copied");
    let suite = Suite::Micro.path().display().to_string();
    let arguments = ["data", "pack", "shear_flow", "--suite", &suite, "--data", "data", "--out", "new.packed"];
    project.run(arguments).exits_with(0);
    let mut bytes = fs::read(project.path("new.packed")).expect("readable");
    let length = u64::from_le_bytes(bytes[8..16].try_into().expect("8 bytes")) as usize;
    let header: Value = serde_json::from_slice(&bytes[48..48 + length]).expect("JSON");
    (header["checksum"].clone(), bytes.split_off(48 + length))
}

#[test]
fn filters_types_and_layouts_of_others_give_the_same_values() {
    let Some((project, file)) = project() else { return };
    let expected = packed_with(&project, &file, "files/good/contiguous.hdf5");
    for name in [
        "lzf",
        "lzf_shuffle",
        "gzip_checksum",
        "big_endian",
        "double_big_endian",
        "resizable",
        "soft_link",
        "new_format",
        "user_block",
    ] {
        let path = format!("files/good/{name}.hdf5");
        assert!(packed_with(&project, &file, &path) == expected, "{name}");
        project.run(["data", "verify", &path]).exits_with(0);
    }
    let rounded = packed_with(&project, &file, "files/good/half_rounded.hdf5");
    assert!(rounded == packed_with(&project, &file, "files/good/half_expected.hdf5") && rounded != expected);
    for kind in ["zeros", "fill_value"] {
        let part = packed_with(&project, &file, &format!("files/good/unwritten_{kind}.hdf5"));
        assert!(
            part == packed_with(&project, &file, &format!("files/good/written_{kind}.hdf5")) && part != expected,
            "{kind}"
        );
    }
    let warnings = |name: &str| project.run(["data", "verify", &format!("files/good/{name}.hdf5")]).out;
    assert!(warnings("half_rounded").contains("t0_fields/tracer: expected float32, found float16"));
    assert!(
        warnings("big_endian").contains("t1_fields/velocity: expected little-endian values, found big-endian ones")
    );
}

#[test]
fn what_refers_to_other_files_or_cannot_be_read_is_refused_with_its_reason() {
    let Some((project, file)) = project() else { return };
    let elsewhere =
        |what: &str| format!("expected values in this file, found a reference to other files ({what}); copy");
    let link = elsewhere("an external link");
    let lost = elsewhere("a soft link that leads nowhere in this one");
    let cases = [
        ("link_plain", link.clone()),
        ("link_gzip", link.clone()),
        ("link_pipe", link.clone()),
        ("link_nowhere", link),
        ("soft_to_link", lost.clone()),
        ("soft_to_nothing", lost),
        ("virtual", elsewhere("a virtual dataset")),
        ("external_storage", elsewhere("external storage")),
        ("references", "expected values in this file, found references to other objects".into()),
        ("filter", "found filter 32001 (blosc), which this program does not have; rewrite the file".into()),
        ("no_fill_value", "found some that were never written, and no fill value".into()),
    ];
    let output = project.run(["data", "verify", "files/bad"]).exits_with(1);
    for (name, reason) in &cases {
        let line = format!("error: files/bad/{name}.hdf5: t0_fields/tracer: ");
        let line = output.out.lines().find(|found| found.starts_with(&line));
        assert!(line.is_some_and(|line| line.contains(reason)), "{name}: {line:?} lacks {reason}\n{}", output.out);
    }
    assert!(output.out.contains(&format!("{} files, ", cases.len())), "{}", output.out);
    assert!(!output.out.contains("plugin") && !output.out.contains(".cargo"), "{}", output.out);

    // Data whose files were replaced after they were generated are refused before they are packed.
    let suite = Suite::Micro.path().display().to_string();
    for name in ["link_gzip", "link_pipe", "filter"] {
        fs::copy(project.path(format!("files/bad/{name}.hdf5")), &file).expect("copied");
        let output = project.run(["data", "pack", "shear_flow", "--suite", &suite, "--data", "data"]).exits_with(1);
        assert!(output.err.contains("t0_fields/tracer: expected values"), "{}", output.err);
    }
}

#[test]
fn a_file_that_another_process_writes_is_refused_until_it_is_closed() {
    let Some((project, file)) = project() else { return };
    for (version, options) in [("earliest", ""), ("latest", ", libver='latest'")] {
        let path = project.path(format!("files/good/{version}_open.hdf5"));
        let name = if version == "latest" { "new_format" } else { "contiguous" };
        fs::copy(project.path(format!("files/good/{name}.hdf5")), &path).expect("copied");
        let script = format!(
            "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'{options}); print('open', flush=True); sys.stdin.read()"
        );
        let mut writer = python("h5py").expect("it was there");
        writer.args(["-c", &script]).arg(&path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut writer = writer.spawn().expect("it runs");
        let mut line = String::new();
        BufReader::new(writer.stdout.take().expect("piped")).read_line(&mut line).expect("readable");
        assert_eq!(line, "open\n");
        let path = path.display().to_string();
        let output = project.run(["data", "verify", &path]).exits_with(1);
        assert!(
            output.out.contains("file: expected a file that no program writes, found one that is open"),
            "{}",
            output.out
        );
        drop(writer.stdin.take());
        writer.wait().expect("it ends");
        project.run(["data", "verify", &path]).exits_with(0);
    }
    assert!(file.exists());
}

#[test]
fn films_that_no_simulation_gives_are_found() {
    let Some((project, _)) = project() else { return };
    let found =
        |name: &str, code: i32| project.run(["data", "verify", &format!("files/odd/{name}.hdf5")]).exits_with(code).out;
    let (error, warning) = ("error: files/odd/", "warning: files/odd/");
    for (name, code, line) in [
        (
            "repeated",
            1,
            format!(
                "{error}repeated.hdf5: trajectory 0, frame 8: expected no frame twice, found the values of frame 7 in every field"
            ),
        ),
        (
            "ended",
            0,
            format!(
                "{warning}ended.hdf5: trajectory 1: expected every frame to differ, found the values of frame 19 in every field of frames 20..34"
            ),
        ),
        (
            "frozen",
            0,
            format!("{warning}frozen.hdf5: t0_fields/tracer, trajectory 0, frames 10..15: expected it to change"),
        ),
        (
            "shear_flow_Reynolds_1e9",
            1,
            format!(
                "{error}shear_flow_Reynolds_1e9.hdf5: scalars/Reynolds: expected 1000000000, as the name of the file says"
            ),
        ),
    ] {
        let out = found(name, code);
        assert!(out.lines().any(|found| found.starts_with(&line)), "{out} lacks {line}");
        assert_eq!(out.lines().count(), 2, "{out}");
    }
}
