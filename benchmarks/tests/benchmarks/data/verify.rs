//! What is amiss with files and data sets is found, all of it, and named by file, data set and index.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use hdf5::types::VarLenUnicode;
use hdf5::{File, H5Type, Location};
use physrep_benchmarks::generate::generate;
use physrep_benchmarks::inspect::{
    DataPath, DataSet, Findings, Report, Severity, check_data_set, find_data, inspect_file,
};
use physrep_benchmarks::well::{WellLayout, WellWriter};
use tempfile::TempDir;

use crate::support::{Waves, layout, packed, suite, suite_with, value, write};

fn values(path: &Path) -> Report {
    inspect_file(path, true, &()).unwrap()
}

/// The findings of one severity, a line each.
fn lines(findings: &Findings, severity: Severity) -> Vec<String> {
    findings.listed.iter().filter(|f| f.severity == severity).map(|f| f.to_string()).collect()
}

/// Inspects a good file after `spoil` has been at it: exactly the errors and warnings that begin so must be found.
#[track_caller]
fn spoilt(spoil: impl FnOnce(&File), errors: &[&str], warnings: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.hdf5");
    write(&path, None);
    let file = File::open_rw(&path).unwrap();
    spoil(&file);
    file.close().unwrap();
    let findings = values(&path).findings;
    for (severity, expected) in [(Severity::Error, errors), (Severity::Warning, warnings)] {
        let found = lines(&findings, severity);
        assert_eq!(found.len(), expected.len(), "{expected:?}\n{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found:?} does not begin with {expected:?}");
        }
    }
}

fn replace<T: H5Type>(location: &Location, name: &str, value: T) {
    location.delete_attr(name).unwrap();
    location.new_attr::<T>().create(name).unwrap().write_scalar(&value).unwrap();
}

#[test]
fn a_sound_file_has_no_findings() {
    let folder = tempfile::tempdir().unwrap();
    for gzip in [None, Some(4)] {
        let path = folder.path().join(format!("good-{gzip:?}.hdf5"));
        write(&path, gzip);
        let report = values(&path);
        assert_eq!(report.findings, Findings::default());
        assert_eq!(report.contents.unwrap().hashes.len(), 2);
    }
}

#[test]
fn all_that_is_amiss_is_found_in_one_go() {
    spoilt(
        |f| {
            f.delete_attr("grid_type").unwrap();
            f.unlink("scalars/zeta").unwrap();
            f.unlink("t1_fields/velocity").unwrap();
            f.unlink("t0_fields/acid").unwrap();
            let t0 = f.group("t0_fields").unwrap();
            t0.new_dataset::<f32>().shape([2, 3, 4, 7]).create("acid").unwrap();
            f.dataset("t0_fields/zinc").unwrap().write_slice(&[f32::NAN; 2], (1, 2, 3, 4..6)).unwrap();
        },
        &[
            "scalars/zeta: expected a dataset, found nothing",
            "t0_fields/acid: expected shape [2, 3, 4, 6]",
            "t1_fields/velocity: expected a dataset, found nothing",
            "@grid_type: expected an attribute, found nothing",
            "t0_fields/acid @sample_varying: expected an attribute",
            "t0_fields/acid @time_varying: expected an attribute",
            "t0_fields/acid @dim_varying: expected an attribute",
            "t0_fields/zinc[1, 2, 3, 4]: expected finite values, found NaN (and 1 more in this frame)",
        ],
        // No scalar can be read where one is missing.
        &[
            "scalars @field_names: expected zeta, found it among @simulation_parameters only",
            "scalars @field_names: expected alpha, found it among @simulation_parameters only",
        ],
    );
}

#[test]
fn flags_masks_and_coordinates_are_checked() {
    let field = "t1_fields/velocity";
    spoilt(
        |f| replace(&f.dataset(field).unwrap(), "time_varying", false),
        &["t1_fields/velocity @time_varying: expected true, found [false]"],
        &[],
    );
    // What h5py takes for a number and not for a bool.
    spoilt(
        |f| replace(&f.dataset(field).unwrap(), "sample_varying", 1_u8),
        &[],
        &["t1_fields/velocity @sample_varying: expected bool, found uint8"],
    );
    spoilt(
        |f| f.dataset("dimensions/time").unwrap().write_slice(&[0.25], 2..3).unwrap(),
        &["dimensions/time[2]: expected times that rise, found 0.25 after 0.25"],
        &[],
    );
    spoilt(
        |f| f.dataset("dimensions/time").unwrap().write_slice(&[0.75], 2..3).unwrap(),
        &[],
        &["dimensions/time[2]: expected a step of 0.25, found one of 0.5"],
    );
    spoilt(
        |f| f.dataset("boundary_conditions/x_periodic/mask").unwrap().write_slice(&[true], 1..2).unwrap(),
        &[],
        &["boundary_conditions/x_periodic/mask: expected true at both ends"],
    );
    spoilt(
        |f| f.unlink("boundary_conditions/y_wall").unwrap(),
        &[],
        &["boundary_conditions: expected a condition for axis y, found none"],
    );
    spoilt(
        |f| {
            let axis: VarLenUnicode = "z".parse().unwrap();
            let condition = f.group("boundary_conditions/y_wall").unwrap();
            condition.delete_attr("associated_dims").unwrap();
            condition.new_attr_builder().with_data(&[axis]).create("associated_dims").unwrap();
        },
        &["boundary_conditions/y_wall @associated_dims: expected x or y, found z"],
        &["boundary_conditions: expected a condition for axis y"],
    );
    spoilt(
        |f| {
            let t2 = f.group("t2_fields").unwrap();
            t2.new_dataset::<f32>().shape([3]).create("unlisted").unwrap();
        },
        &[],
        &["t2_fields @field_names: expected unlisted, found nothing of it"],
    );
}

#[test]
fn values_that_are_not_finite_are_named_by_index() {
    spoilt(
        |f| {
            let velocity = f.dataset("t1_fields/velocity").unwrap();
            velocity.write_slice(&[f32::INFINITY], (0, 1, 2, 3, 1..2)).unwrap();
            f.dataset("t2_fields/D").unwrap().write_slice(&[f32::NAN], (1, 2, 0, 5, 1..2, 0)).unwrap();
        },
        &[
            "t1_fields/velocity[0, 1, 2, 3, 1]: expected finite values, found inf",
            "t2_fields/D[1, 2, 0, 5, 2]: expected finite values, found NaN",
        ],
        &[],
    );
}

#[test]
fn findings_are_counted_beyond_those_that_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.hdf5");
    let layout = WellLayout { times: (0..30).map(f64::from).collect(), trajectories: 1, ..layout() };
    let writer = WellWriter::create(&path, layout.clone(), None).unwrap();
    for (i, field) in layout.fields.iter().enumerate() {
        writer.write(0, i, &vec![f32::NAN; 30 * layout.frame_len(field)]).unwrap();
    }
    writer.finish().unwrap();
    let findings = values(&path).findings;
    assert_eq!((findings.listed.len(), findings.errors), (20, 30 * (1 + 1 + 2 + 4)));
    assert_eq!(findings.unlisted(), 240 - 20);
    assert_eq!(
        findings.listed[0].to_string(),
        "t0_fields/zinc[0, 0, 0, 0]: expected finite values, found NaN (and 23 more in this frame)"
    );
}

/// Writes a file of the test's layout in which `change` has been at the values of field `zinc`, one slice a frame.
fn zinc(path: &Path, change: impl Fn(usize, usize, &mut [f32])) -> Report {
    let layout = layout();
    let writer = WellWriter::create(path, layout.clone(), None).unwrap();
    for trajectory in 0..2 {
        for (i, field) in layout.fields.iter().enumerate() {
            let len = layout.frame_len(field);
            let mut values: Vec<f32> = (0..3 * len).map(|j| value(trajectory, i, j)).collect();
            if i == 0 {
                values.chunks_exact_mut(len).enumerate().for_each(|(frame, values)| change(trajectory, frame, values));
            }
            writer.write(trajectory, i, &values).unwrap();
        }
    }
    writer.finish().unwrap();
    values(path)
}

#[test]
fn a_frame_without_variation_is_an_error_where_others_vary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.hdf5");
    let constant = |which: &dyn Fn(usize, usize) -> bool| {
        zinc(&path, |trajectory, frame, values| {
            if which(trajectory, frame) {
                values.fill(frame as f32);
            }
        })
    };
    // A fluid may begin at rest.
    assert_eq!(constant(&|_, frame| frame == 0).findings, Findings::default());
    let found = constant(&|trajectory, frame| (trajectory, frame) == (1, 2));
    let expected = ["t0_fields/zinc[1, 2]: expected zinc to vary in space, found the same value everywhere"];
    assert_eq!(lines(&found.findings, Severity::Error), expected);
    let found = constant(&|trajectory, frame| trajectory == 1 && frame > 0);
    assert!(found.findings.listed[0].place == "t0_fields/zinc[1, 1..3]", "{found:?}");
    let found = constant(&|trajectory, _| trajectory == 0);
    let line = found.findings.listed[0].to_string();
    assert!(line.starts_with("t0_fields/zinc[0]: ") && line.ends_with("in every frame"), "{line}");

    // A field that never varies is so by nature; whoever knows the other files says more.
    let report = constant(&|_, _| true);
    assert_eq!(report.findings, Findings::default());
    let constant: Vec<_> = report.contents.unwrap().channels.iter().map(|c| c.constant).collect();
    assert_eq!(constant, [true, false, false, false, false, false, false, false]);
}

#[test]
fn a_trajectory_that_occurs_twice_in_a_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.hdf5");
    let layout = WellLayout { trajectories: 3, ..layout() };
    let writer = WellWriter::create(&path, layout.clone(), None).unwrap();
    for (trajectory, values_of) in [0, 1, 0].into_iter().enumerate() {
        for (i, field) in layout.fields.iter().enumerate() {
            let values: Vec<f32> = (0..3 * layout.frame_len(field)).map(|j| value(values_of, i, j)).collect();
            writer.write(trajectory, i, &values).unwrap();
        }
    }
    writer.finish().unwrap();
    let found = lines(&values(&path).findings, Severity::Error);
    assert_eq!(found, ["trajectory 2: expected a trajectory that occurs once, found the values of trajectory 0"]);
}

/// Generated data and its one data set.
fn generated() -> (TempDir, DataSet) {
    let folder = tempfile::tempdir().unwrap();
    generate(&suite(), &Waves::default(), folder.path(), 2, &()).unwrap();
    let mut targets = find_data(folder.path()).unwrap();
    let (Some(DataPath::DataSet(set)), true) = (targets.pop(), targets.is_empty()) else { panic!("one data set") };
    (folder, set)
}

/// What only shows across the files; every file by itself has to be sound.
#[track_caller]
fn across(set: &DataSet) -> Vec<String> {
    let reports: HashMap<PathBuf, Report> = set.files.iter().map(|(_, path)| (path.clone(), values(path))).collect();
    for (path, report) in &reports {
        assert_eq!(report.findings, Findings::default(), "{}", path.display());
    }
    let name = |path: PathBuf| path.strip_prefix(&set.folder).unwrap().display().to_string();
    check_data_set(set, &reports).into_iter().map(|(path, finding)| format!("{}: {finding}", name(path))).collect()
}

#[test]
fn generated_data_is_sound() {
    let (_folder, set) = generated();
    assert_eq!((set.name().as_str(), set.files.len()), ("shear_flow", 18));
    assert_eq!(across(&set), [""; 0]);
}

#[test]
fn a_trajectory_in_two_splits_is_found() {
    let (_folder, set) = generated();
    let of =
        |split: &str| set.files.iter().map(|(_, path)| path).find(|p| p.to_string_lossy().contains(split)).unwrap();
    // Trajectory 1 of a training file becomes trajectory 0 of a test file with other parameters.
    let from = File::open(of("/train/")).unwrap();
    let to = File::open_rw(of("/test/")).unwrap();
    for field in ["t0_fields/tracer", "t0_fields/pressure"] {
        let values = from.dataset(field).unwrap().read_slice::<f32, _, ndarray::Ix3>((1, .., .., ..)).unwrap();
        to.dataset(field).unwrap().write_slice(&values, (0, .., .., ..)).unwrap();
    }
    let velocity = "t1_fields/velocity";
    let values = from.dataset(velocity).unwrap().read_slice::<f32, _, ndarray::Ix4>((1, .., .., .., ..)).unwrap();
    to.dataset(velocity).unwrap().write_slice(&values, (0, .., .., .., ..)).unwrap();
    drop((from, to));
    let found = across(&set);
    assert_eq!(found.len(), 1, "{found:#?}");
    for part in
        ["data/test/shear_flow_", ".hdf5: trajectory 0: ", "the values of trajectory 1 of ", "/train/", "(train split)"]
    {
        assert!(found[0].contains(part), "{} lacks {part}", found[0]);
    }
}

#[test]
fn statistics_that_are_not_those_of_the_files_are_found() {
    let (_folder, set) = generated();
    let path = set.folder.join("stats.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let std = text.find("std:\n  tracer: ").unwrap() + "std:\n  tracer: ".len();
    let changed = format!("{}9{}", &text[..std], &text[std + 1..]);
    fs::write(&path, changed).unwrap();
    let found = across(&set);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("stats.yaml: std/tracer: expected "), "{found:?}");
    assert!(found[0].contains("as in the training files, found 9."), "{found:?}");

    fs::write(&path, text.replace("rms_delta:\n  tracer: ", "rms_delta:\n  trace: ")).unwrap();
    assert_eq!(across(&set), ["stats.yaml: rms_delta/tracer: expected a number for each component, found nothing"]);
    fs::remove_file(&path).unwrap();
    assert_eq!(across(&set), ["stats.yaml: expected the training split's statistics, found no file"]);
}

#[test]
fn files_that_do_not_belong_to_their_data_set_are_found() {
    let (_folder, mut set) = generated();
    let other = tempfile::tempdir().unwrap();
    let suite = suite_with("values = [100, 2000]", "values = [100, 3000]").unwrap();
    let suite_text = toml_of(&suite).replace("frames = 9", "frames = 8");
    let shorter = physrep_benchmarks::suite::Suite::parse(&suite_text, "test").unwrap();
    generate(&shorter, &Waves::default(), other.path(), 2, &()).unwrap();
    let foreign = "data/valid/shear_flow_Reynolds_3e3_Schmidt_1e0.hdf5";
    fs::copy(other.path().join("shear_flow").join(foreign), set.folder.join(foreign)).unwrap();
    let (split, _) = set.files.iter().find(|(_, path)| path.to_string_lossy().contains("valid")).unwrap().clone();
    set.files.push((split, set.folder.join(foreign)));
    let found = across(&set);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found.iter().all(|line| line.starts_with(foreign)), "{found:#?}");
    assert!(found[0].contains("dimensions/time: expected 9 from 0 to 0.8"), "{found:#?}");
    assert!(found[1].contains("dimensions/time: expected 9 frames, as in generated.json, found 8"), "{found:#?}");
    assert!(found[2].contains("scalars/Reynolds: expected one of [100.0, 2000.0], as in generated.json, found 3000"));
}

fn toml_of(suite: &physrep_benchmarks::suite::Suite) -> String {
    toml::to_string(suite).unwrap()
}

#[test]
fn changed_settings_and_unfinished_generations_are_found() {
    let (_folder, set) = generated();
    let settings = set.folder.join("generated.json");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace("\"seed\": 7", "\"seed\": 8")).unwrap();
    let found = across(&set);
    assert!(found.len() == 1 && found[0].starts_with("generated.json: key: expected"), "{found:#?}");
    fs::write(&settings, "{").unwrap();
    assert!(across(&set)[0].starts_with("generated.json: file: expected the settings of generated data"));
    fs::write(&settings, text).unwrap();

    fs::create_dir(set.folder.join(".parts")).unwrap();
    fs::write(set.folder.join("data/test/.a.hdf5.unfinished"), "").unwrap();
    let found = across(&set);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with(".parts: expected complete data"), "{found:#?}");
    assert!(found[1].starts_with("data/test/.a.hdf5.unfinished: left by"), "{found:#?}");
}

#[test]
fn packed_files_are_checked_against_their_checksum() {
    let (_folder, packed) = packed();
    let path = packed.path().to_owned();
    drop(packed);
    let report = values(&path);
    assert_eq!(report.findings, Findings::default());
    let contents = report.contents.unwrap();
    assert_eq!((contents.trajectories, contents.hashes.len(), contents.channels.len()), (36, 36, 4));

    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let found = lines(&values(&path).findings, Severity::Error);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("values: expected checksum "), "{found:#?}");
    assert_eq!(found[1], "channel 3 (velocity_y)[35, 8, 7, 11]: expected finite values, found NaN");

    // Without values only the header is looked at.
    assert_eq!(inspect_file(&path, false, &()).unwrap().findings, Findings::default());
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let found = lines(&inspect_file(&path, false, &()).unwrap().findings, Severity::Error);
    assert!(found.len() == 1 && found[0].starts_with("size: expected"), "{found:#?}");
}
