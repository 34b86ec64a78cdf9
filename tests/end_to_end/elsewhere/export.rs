//! `export-windows`: numpy reads it, and nothing in it tells a window from another.

use std::{collections::HashSet, fs};

use serde_json::json;

use super::{export, export_to, read_npy};
use crate::support::{Output, TestProject, files_below, python, read_json};

#[test]
fn the_manifest_says_what_the_clips_are_and_nothing_of_their_labels() {
    let export = export();
    let path = export.folder.join("windows.json");
    let manifest = read_json(&path);
    // 8 + 4 + 4 trajectories and one of each of three regimes, two windows each.
    assert_eq!(export.clips.shape, [38, 4, 16, 16, 32]);
    assert_eq!(export.clips.values.len(), export.clips.shape.iter().product::<usize>());
    let arrays = [("clips", "float32", json!(export.clips.shape)), ("identifiers", "int64", json!([38]))];
    for (array, dtype, shape) in arrays {
        assert_eq!(
            (&manifest[array]["dtype"], &manifest[array]["shape"], &manifest[array]["file"]),
            (&json!(dtype), &shape, &json!(format!("{array}.npy")))
        );
    }
    assert_eq!(manifest["clips"]["axes"], json!(["window", "channel", "time", "x", "y"]));
    assert_eq!(
        (&manifest["format"], &manifest["noise"], &manifest["normalised"]),
        (&json!(1), &json!(0.1), &json!(true))
    );
    assert_eq!(manifest["suite"]["name"], "micro");
    let channels = manifest["geometry"]["channels"].as_array().expect("channels");
    let names: Vec<_> = channels.iter().map(|channel| channel["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["tracer", "pressure", "velocity_x", "velocity_y"]);
    assert_eq!(manifest["geometry"]["coordinates"][1].as_array().map(Vec::len), Some(32));
    let text = fs::read_to_string(path).expect("readable");
    for secret in ["Reynolds", "Schmidt", "train", "valid", "test", "held", "label", "trajector"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let files: Vec<_> = files_below(&export.folder).into_keys().collect();
    assert_eq!(files.len(), 3, "{files:?}");
}

#[test]
fn identifiers_are_distinct_and_neither_they_nor_the_order_follow_the_trajectories() {
    let export = export();
    let distinct: HashSet<i64> = export.identifiers.iter().copied().collect();
    assert_eq!((distinct.len(), export.identifiers.len()), (38, 38));
    assert!(export.identifiers.iter().all(|&number| number >= 0));
    assert!(!export.identifiers.is_sorted());
    // Two windows of a trajectory overlap by all but two frames. In the order of the data they are neighbours, everywhere.
    let Some((n, length)) = export.clips.shape.split_first().map(|(n, rest)| (*n, rest.iter().product::<usize>()))
    else {
        panic!("five axes")
    };
    let distance = |a: usize, b: usize| -> f32 {
        let clip = |index: usize| &export.clips.values[index * length..][..length];
        clip(a).iter().zip(clip(b)).map(|(a, b)| (a - b).powi(2)).sum()
    };
    let nearest = |a: usize| (0..n).filter(|&b| b != a).min_by(|&b, &c| distance(a, b).total_cmp(&distance(a, c)));
    let neighbours = (0..n).filter(|&a| nearest(a).expect("another").abs_diff(a) == 1).count();
    assert!(neighbours < n / 4, "{neighbours} of {n} windows are beside another of their trajectory");
}

#[test]
fn an_export_is_the_same_every_time_and_another_one_for_another_suite() {
    let project = TestProject::new();
    let again = || export_to(&project, &project.path("windows"), &[]).exits_with(0);
    let output = again();
    assert!(output.out.contains("windows/shear_flow: 38 clips of (4, 16, 16, 32)"), "{}", output.out);
    again();
    for (name, path) in files_below(&export().folder) {
        let same = fs::read(&path).ok() == fs::read(project.path("windows/shear_flow").join(&name)).ok();
        assert!(same, "{}", name.display());
    }
    let suite = crate::support::Suite::Micro.text().replace("weight_decay = 0.01", "weight_decay = 0.02");
    project.write("other.toml", suite);
    let data = crate::support::Suite::Micro.data().display().to_string();
    let arguments = ["export-windows", "--suite", "./other.toml", "--data", &data, "--out", "other"];
    project.run(arguments).exits_with(0);
    let (_, others) = read_npy(&project.path("other/shear_flow/identifiers.npy"), i64::from_le_bytes);
    assert!(others.iter().all(|number| !export().identifiers.contains(number)));
    let output = export_to(&project, &project.path("windows"), &["--systems", "weather"]).exits_with(2);
    assert!(output.err.contains("no system `weather`; it has: shear_flow"), "{}", output.err);
}

#[test]
fn numpy_reads_it_in_three_lines() {
    let Some(mut python) = python("numpy") else { return };
    let script = "
import numpy as np
clips = np.load('clips.npy', mmap_mode='r')
identifiers = np.load('identifiers.npy')
assert clips.shape == (38, 4, 16, 16, 32) and clips.dtype == np.float32 and isinstance(clips, np.memmap)
assert identifiers.shape == (38,) and identifiers.dtype == np.int64
print(repr(float(clips[37, 3, 15, 15, 31])), identifiers[37])";
    let output: Output =
        python.current_dir(&export().folder).args(["-c", script]).output().expect("python runs").into();
    let output = output.exits_with(0);
    let last = (*export().clips.values.last().expect("a value"), export().identifiers[37]);
    assert_eq!(output.out.trim(), format!("{:?} {}", f64::from(last.0), last.1));
}
