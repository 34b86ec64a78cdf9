//! Defects that show only across the files of a data set are found.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use hdf5::File;
use physrep_benchmarks::generate::generate;
use physrep_benchmarks::inspect::{DataPath, DataSet, Findings, Report, check_data_set, find_data};
use physrep_benchmarks::suite::Suite;
use tempfile::TempDir;

use crate::support::{Waves, held_out, inspected, suite, suite_with};

/// Generated data and its one data set.
fn generated() -> (TempDir, DataSet) {
    generated_for(&suite())
}

fn generated_for(suite: &Suite) -> (TempDir, DataSet) {
    let folder = tempfile::tempdir().unwrap();
    generate(suite, &Waves::default(), folder.path(), 2, &()).unwrap();
    let mut targets = find_data(folder.path()).unwrap();
    let (Some(DataPath::DataSet(set)), true) = (targets.pop(), targets.is_empty()) else { panic!("one data set") };
    (folder, set)
}

/// What shows only across the files; every file by itself has to be valid.
#[track_caller]
fn across(set: &DataSet) -> Vec<String> {
    let reports: HashMap<PathBuf, Report> = set.files.iter().map(|(_, path)| (path.clone(), inspected(path))).collect();
    for (path, report) in &reports {
        assert_eq!(report.findings, Findings::default(), "{}", path.display());
    }
    let name = |path: PathBuf| path.strip_prefix(&set.folder).unwrap().display().to_string();
    check_data_set(set, &reports).into_iter().map(|(path, finding)| format!("{}: {finding}", name(path))).collect()
}

#[test]
fn generated_data_is_valid() {
    let (_folder, set) = generated();
    assert_eq!((set.name().as_str(), set.files.len()), ("shear_flow", 4));
    assert_eq!(across(&set), [""; 0]);
    // Parameters of held-out trajectories lie beyond the ranges.
    let (_folder, set) = generated_for(&held_out(6));
    assert_eq!(set.files.len(), 6);
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
    assert_eq!(across(&set), ["stats.yaml: rms_delta/tracer: expected a value for each component, found nothing"]);
    fs::remove_file(&path).unwrap();
    assert_eq!(across(&set), ["stats.yaml: expected the training split's statistics, found no file"]);
}

#[test]
fn files_that_do_not_belong_to_their_data_set_are_found() {
    let (_folder, mut set) = generated();
    let other = tempfile::tempdir().unwrap();
    let mut shorter = suite_with("range = [100, 2000]", "range = [3000, 9000]").unwrap();
    shorter.systems[0].frames = 8;
    generate(&shorter, &Waves::default(), other.path(), 2, &()).unwrap();
    let foreign = "data/valid/shear_flow_valid_0001.hdf5";
    let valid = other.path().join("shear_flow/data/valid/shear_flow_valid_0000.hdf5");
    fs::copy(valid, set.folder.join(foreign)).unwrap();
    let (split, _) = set.files.iter().find(|(_, path)| path.to_string_lossy().contains("valid")).unwrap().clone();
    set.files.push((split, set.folder.join(foreign)));
    let found = across(&set);
    assert_eq!(found.len(), 2 + 6, "{found:#?}");
    assert!(found.iter().all(|line| line.starts_with(foreign)), "{found:#?}");
    assert!(found[0].contains("dimensions/time: expected 9 from 0 to 0.8"), "{found:#?}");
    assert!(found[1].contains("dimensions/time: expected 9 frames, as in generated.json, found 8"), "{found:#?}");
    let outside = "scalars/Reynolds: expected a value from 100 to 2000, as in generated.json, found ";
    assert!(found[2..].iter().all(|line| line.contains(outside)), "{found:#?}");
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
