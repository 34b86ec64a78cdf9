//! What is fetched, and where to.

use std::fs;

use physrep_benchmarks::{
    Split,
    well::{self, WellFile},
};

use super::{NAME, Setting, TOKEN, data};

#[test]
fn published_files_are_stored_in_the_layout_that_the_reader_opens() {
    let setting = Setting::new();
    let output = setting.fetch(&[]).exits_with(0);
    assert!(setting.has_all());
    assert!(!setting.has("README.md"));
    let first = output.err.lines().next().expect("an announcement");
    assert!(first.contains("5 files of polymathic-ai/shear_flow at 0123456789ab"), "{first}");
    assert!(first.contains("0 are here") && first.contains("to fetch") && first.contains("free"), "{first}");

    for (n, split) in Split::PUBLISHED.into_iter().enumerate() {
        let files = well::split_files(&setting.project.path("wells"), "shear_flow", split).expect("files");
        let file = WellFile::open(&files[0]).expect("a file of The Well");
        assert_eq!((files.len(), file.layout().trajectories), (1, 4 - n));
        assert_eq!(file.read("tracer", 1..2, 0..1).expect("readable")[..2], [1000.0, 1001.0]);
    }

    let seen = std::mem::take(&mut setting.hub.state().requests);
    let bearer = format!("Bearer {TOKEN}");
    for request in &seen {
        match request.host.starts_with("127.0.0.1") {
            true => assert_eq!(request.authorization.as_ref(), Some(&bearer), "the hub knows who asks: {request:?}"),
            false => assert_eq!(request.authorization, None, "the token stays with the hub: {request:?}"),
        }
    }
    assert_eq!(seen.iter().filter(|request| request.path.starts_with("/storage/")).count(), 3);

    let output = setting.fetch(&[]).exits_with(0);
    assert!(output.err.contains("5 are here, 0 bytes to fetch"), "{}", output.err);
    assert_eq!(setting.hub.state().requests.len(), 1, "only the listing");
}

#[test]
fn only_the_selected_files_are_fetched() {
    let setting = Setting::new();
    let other = "data/train/shear_flow_Reynolds_5e5_Schmidt_1e1.hdf5";
    setting.hub.serve(other, "another", true);
    setting.fetch(&["--split", "train", "--files", "*Reynolds_1e4_*"]).exits_with(0);
    assert!(setting.has(&data("train")) && setting.has("stats.yaml"));
    assert!(!setting.has(other) && !setting.has(&data("valid")));
    setting.fetch(&["--split", "train", "--files", "absent,Schmidt_1e1"]).exits_with(0);
    assert!(setting.has(other) && !setting.has(&data("valid")));

    let output = setting.fetch(&["--files", "Prandtl"]).exits_with(2);
    assert!(output.err.contains("fits none of the 4 files"), "{}", output.err);
    setting.fetch(&["--split", "training"]).exits_with(2);
}

#[test]
fn a_disk_that_is_too_small_is_an_error_before_anything_is_fetched() {
    let setting = Setting::new();
    setting.hub.state().files.get_mut(&data("test")).expect("served").listed = Some(1 << 60);
    let error = setting.error(&[]);
    assert!(error.contains("1152.9 PB are to be fetched, but only") && error.contains("--split or --files"), "{error}");
    assert!(!setting.project.path("wells").exists());
    assert_eq!(setting.hub.state().requests.len(), 1, "only the listing");
    setting.fetch(&["--split", "train,valid"]).exits_with(0);
}

#[test]
fn no_file_name_leaves_the_folder() {
    let setting = Setting::new();
    for path in ["../../stray.hdf5", "/tmp/stray.hdf5", "data/../../stray.hdf5"] {
        setting.hub.serve(path, "stray", true);
    }
    setting.fetch(&[]).exits_with(0);
    assert!(setting.project.find("", "stray.hdf5").is_empty());
    setting.hub.serve("data/train/../../../../stray.hdf5", "stray", true);
    assert!(setting.error(&[]).contains("no name for a data file"));
    assert!(setting.project.find("", "stray.hdf5").is_empty());
}

#[test]
fn other_data_is_not_touched() {
    let setting = Setting::new();
    let mine = setting.project.path("wells/shear_flow").join(data("train"));
    fs::create_dir_all(mine.parent().expect("a folder")).expect("writable");
    fs::write(&mine, "mine").expect("writable");
    let error = setting.error(&[]);
    assert!(error.contains(NAME) && error.contains("4 bytes") && error.contains("move it away"), "{error}");
    assert_eq!(fs::read(&mine).expect("readable"), b"mine");

    fs::write(setting.project.path("wells/shear_flow/generated.json"), "{}").expect("writable");
    assert!(setting.error(&[]).contains("generated data"));
    let output = setting.project.run(["data", "fetch", "no_flow", "--out", "wells"]).exits_with(1);
    assert!(output.err.contains("no system `no_flow`"), "{}", output.err);
}
