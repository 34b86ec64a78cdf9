//! `data fetch` against a server that does what networks and servers do.

mod bench;
mod hub;

use std::{fs, path::Path};

use bench::{Bench, Said};
use hub::{Fault, Hub};
use physrep_benchmarks::{
    Split,
    systems::{Boundary, Field, Rank},
    well::{self, WellAxis, WellFile, WellLayout, WellWriter},
};

const TOKEN: &str = "hf_a_secret_token";
const NAME: &str = "shear_flow_Reynolds_1e4_Schmidt_1e-1.hdf5";

/// The path of a data file on the hub.
fn data(split: &str) -> String {
    format!("data/{split}/{NAME}")
}

/// The bytes of a small file of The Well with `trajectories` trajectories.
fn well_file(folder: &Path, trajectories: usize) -> Vec<u8> {
    let axis = |name: &str| WellAxis {
        name: name.into(),
        boundary: Boundary::Periodic,
        coordinates: (0..8).map(|i| i as f32 / 8.0).collect(),
    };
    let layout = WellLayout {
        dataset: "shear_flow".into(),
        trajectories,
        times: vec![0.0, 0.1, 0.2],
        axes: [axis("x"), axis("y")],
        fields: vec![Field::new("tracer", Rank::Scalar)],
        scalars: vec![("Reynolds".into(), 1e4), ("Schmidt".into(), 0.1)],
    };
    let path = folder.join("made.hdf5");
    let writer = WellWriter::create(&path, layout, None).expect("writable");
    for trajectory in 0..trajectories {
        let values: Vec<f32> = (0..3 * 64).map(|i| (i + 1000 * trajectory) as f32).collect();
        writer.write(trajectory, 0, &values).expect("writable");
    }
    writer.finish().expect("writable");
    fs::read(path).expect("readable")
}

struct Setting {
    bench: Bench,
    hub: Hub,
}

impl Setting {
    fn new() -> Self {
        let setting = Self { bench: Bench::new(), hub: Hub::start() };
        for (n, split) in ["train", "valid", "test"].into_iter().enumerate() {
            setting.hub.serve(&data(split), well_file(&setting.bench.path(""), 4 - n), true);
        }
        setting.hub.serve("README.md", "not wanted", false);
        setting.hub.serve("stats.yaml", "mean: {tracer: 2.3845E-03}\n", false);
        setting.hub.serve("shear_flow.yaml", "dataset_name: shear_flow\n", false);
        setting
    }

    /// `data fetch shear_flow --out wells` and `more`.
    fn fetch(&self, more: &[&str]) -> Said {
        let arguments = ["data", "fetch", "shear_flow", "--out", "wells", "--retry-wait", "0.01"];
        let mut command = self.bench.command(arguments.iter().chain(more));
        command.env("HF_ENDPOINT", format!("http://127.0.0.1:{}/", self.hub.port)).env("HF_TOKEN", TOKEN);
        for proxy in ["http_proxy", "https_proxy", "all_proxy"] {
            command.env_remove(proxy).env_remove(proxy.to_uppercase());
        }
        let said: Said = command.output().expect("the program runs").into();
        assert!(!said.err.contains(TOKEN) && !said.out.contains(TOKEN), "the token is nowhere in\n{}", said.err);
        assert!(!said.err.contains("s3cret"), "nor is a signature in\n{}", said.err);
        said
    }

    /// The last line of a failure, which is one.
    fn refusal(&self, more: &[&str]) -> String {
        let said = self.fetch(more).ended_with(1);
        let last = said.err.lines().last().unwrap_or_default().to_owned();
        assert!(last.starts_with("error: "), "{}", said.err);
        last
    }

    /// Whether the file is here, with the bytes that the hub has; panics if it is here with others.
    fn has(&self, path: &str) -> bool {
        let Ok(found) = fs::read(self.bench.path("wells/shear_flow").join(path)) else { return false };
        assert!(found == self.hub.state().files[path].bytes, "{path} has other bytes");
        true
    }

    fn has_all(&self) -> bool {
        let files = ["train", "valid", "test"].map(data);
        files.iter().all(|path| self.has(path)) && self.has("stats.yaml") && self.has("shear_flow.yaml")
    }

    /// Names of what is left of unfinished files of a split.
    fn parts(&self, split: &str) -> Vec<String> {
        let folder = self.bench.path("wells/shear_flow/data").join(split);
        let names = fs::read_dir(folder).expect("there").map(|entry| entry.expect("readable").file_name());
        names.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.ends_with(".part")).collect()
    }
}

#[test]
fn published_files_come_into_the_layout_that_the_reader_opens() {
    let setting = Setting::new();
    let said = setting.fetch(&[]).ended_with(0);
    assert!(setting.has_all());
    assert!(!setting.has("README.md"));
    let first = said.err.lines().next().expect("an announcement");
    assert!(first.contains("5 files of polymathic-ai/shear_flow at 0123456789ab"), "{first}");
    assert!(first.contains("0 are here") && first.contains("to fetch") && first.contains("free"), "{first}");

    for (n, split) in Split::PUBLISHED.into_iter().enumerate() {
        let files = well::split_files(&setting.bench.path("wells"), "shear_flow", split).expect("files");
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

    let said = setting.fetch(&[]).ended_with(0);
    assert!(said.err.contains("5 are here, 0 bytes to fetch"), "{}", said.err);
    assert_eq!(setting.hub.state().requests.len(), 1, "only the listing");
}

#[test]
fn cuts_and_busy_servers_cost_no_byte_twice() {
    let setting = Setting::new();
    let size = setting.hub.state().files[&data("train")].bytes.len();
    let busy = |status| Fault::Status(status, "Retry-After: 0");
    setting.hub.fail("", [busy(429), Fault::Status(500, ""), busy(503)]);
    let faults = [busy(503), Fault::Cut(100), busy(429), Fault::Cut(0), Fault::Cut(1000), Fault::Status(500, "")];
    setting.hub.fail(&data("train"), faults);
    setting.hub.fail("stats.yaml", [Fault::Cut(3)]);
    setting.fetch(&[]).ended_with(0);
    assert!(setting.has_all());
    let requests = setting.hub.requests(&data("train"));
    let ranges: Vec<_> = requests.iter().map(|request| request.range.as_deref()).collect();
    let (after, later) = (Some("bytes=100-"), Some("bytes=1100-"));
    assert_eq!(ranges, [None, None, after, after, after, later, later]);
    assert_eq!(requests.iter().map(|request| request.sent).sum::<usize>(), size);
}

#[test]
fn the_next_call_goes_on_where_this_one_was_cut() {
    let setting = Setting::new();
    let size = setting.hub.state().files[&data("valid")].bytes.len();
    setting.hub.fail(&data("valid"), [Fault::Cut(2000)]);
    let error = setting.refusal(&["--tries", "1"]);
    assert!(error.contains(&data("valid")) && error.contains(&format!("2000 of {size} bytes are here")), "{error}");
    assert!(error.contains("run the same command again"), "{error}");
    assert!(setting.has(&data("train")) && !setting.has(&data("valid")));
    setting.hub.requests("");

    let listed = setting.fetch(&["--dry-run"]).ended_with(0).out;
    let states: Vec<_> = listed.lines().map(|line| line.split_whitespace().next().expect("a state")).collect();
    assert_eq!(states, ["here", "here", "here", "begun", "missing"], "{listed}");

    let said = setting.fetch(&[]).ended_with(0);
    assert!(said.err.lines().next().is_some_and(|line| line.contains("3 are here")), "{}", said.err);
    assert!(setting.has_all());
    let requests = setting.hub.requests(&data("valid"));
    assert_eq!(
        requests.iter().map(|r| (r.range.as_deref(), r.sent)).collect::<Vec<_>>(),
        [(Some("bytes=2000-"), size - 2000)]
    );
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let setting = Setting::new();
    setting.hub.fail(&data("train"), [Fault::Cut(500), Fault::WholeFile]);
    setting.fetch(&[]).ended_with(0);
    assert!(setting.has_all());
}

#[test]
fn wrong_bytes_are_thrown_away_and_named() {
    let setting = Setting::new();
    setting.hub.fail(&data("train"), [Fault::WrongByte]);
    setting.hub.fail("stats.yaml", [Fault::WrongByte]);
    let error = setting.refusal(&[]);
    assert!(error.contains("polymathic-ai/shear_flow/") && error.contains("wrong bytes came: checksum"), "{error}");
    assert!(error.contains("and so for 1 more") && error.contains("run the same command again"), "{error}");
    assert!(!setting.has(&data("train")) && !setting.has("stats.yaml"));
    assert_eq!(setting.parts("train"), [""; 0]);
    assert!(setting.has(&data("valid")) && setting.has(&data("test")), "the others are here all the same");
    setting.fetch(&[]).ended_with(0);
    assert!(setting.has_all());
}

#[test]
fn a_server_that_lies_about_sizes_or_ranges_is_not_believed() {
    let setting = Setting::new();
    setting.hub.fail(&data("train"), [Fault::Shorter(7)]);
    let error = setting.refusal(&[]);
    assert!(error.contains(&data("train")) && error.contains("the hub lists") && error.contains("send"), "{error}");
    assert!(!setting.has(&data("train")));

    setting.hub.fail(&data("train"), [Fault::Cut(64), Fault::LaterRange(1)]);
    let error = setting.refusal(&[]);
    assert!(error.contains("bytes 65-") && error.contains("bytes 64-"), "{error}");
    setting.fetch(&[]).ended_with(0);
    assert!(setting.has_all());
}

#[test]
fn a_disk_that_is_too_small_is_refused_before_anything_is_fetched() {
    let setting = Setting::new();
    setting.hub.state().files.get_mut(&data("test")).expect("served").listed = Some(1 << 60);
    let error = setting.refusal(&[]);
    assert!(error.contains("1152.9 PB are to be fetched, but only") && error.contains("--split or --files"), "{error}");
    assert!(!setting.bench.path("wells").exists());
    assert_eq!(setting.hub.state().requests.len(), 1, "only the listing");
    setting.fetch(&["--split", "train,valid"]).ended_with(0);
}

#[test]
fn tries_are_bounded_and_refusals_are_final() {
    let setting = Setting::new();
    setting.hub.fail("", vec![Fault::Status(502, ""); 99]);
    let error = setting.refusal(&["--tries", "3"]);
    assert!(error.contains("3 times") && error.contains("502") && error.contains("HF_ENDPOINT"), "{error}");
    assert_eq!(setting.hub.state().requests.len(), 3);
    setting.hub.state().faults.clear();

    setting.hub.fail(&data("train"), vec![Fault::Status(500, ""); 99]);
    let error = setting.refusal(&["--tries", "4"]);
    assert!(error.contains(&data("train")) && error.contains("4 tries in a row brought nothing"), "{error}");
    assert_eq!(setting.hub.requests(&data("train")).len(), 4);

    for (status, hint) in [(401, "HF_TOKEN"), (403, "HF_TOKEN"), (404, "nothing of this name"), (418, "418")] {
        setting.hub.state().faults.clear();
        setting.hub.fail(&data("train"), [Fault::Status(status, "")]);
        let error = setting.refusal(&[]);
        assert!(error.contains(&data("train")) && error.contains(hint), "{error}");
        assert_eq!(setting.hub.requests(&data("train")).len(), 1, "{status} is final");
    }
}

#[test]
fn only_what_was_asked_for_comes() {
    let setting = Setting::new();
    let other = "data/train/shear_flow_Reynolds_5e5_Schmidt_1e1.hdf5";
    setting.hub.serve(other, "another", true);
    setting.fetch(&["--split", "train", "--files", "*Reynolds_1e4_*"]).ended_with(0);
    assert!(setting.has(&data("train")) && setting.has("stats.yaml"));
    assert!(!setting.has(other) && !setting.has(&data("valid")));
    setting.fetch(&["--split", "train", "--files", "absent,Schmidt_1e1"]).ended_with(0);
    assert!(setting.has(other) && !setting.has(&data("valid")));

    let said = setting.fetch(&["--files", "Prandtl"]).ended_with(2);
    assert!(said.err.contains("fits none of the 4 files"), "{}", said.err);
    setting.fetch(&["--split", "training"]).ended_with(2);
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let setting = Setting::new();
    for path in ["../../stray.hdf5", "/tmp/stray.hdf5", "data/../../stray.hdf5"] {
        setting.hub.serve(path, "stray", true);
    }
    setting.fetch(&[]).ended_with(0);
    assert!(setting.bench.find("", "stray.hdf5").is_empty());
    setting.hub.serve("data/train/../../../../stray.hdf5", "stray", true);
    assert!(setting.refusal(&[]).contains("no name for a data file"));
    assert!(setting.bench.find("", "stray.hdf5").is_empty());
}

#[test]
fn other_data_is_left_alone() {
    let setting = Setting::new();
    let mine = setting.bench.path("wells/shear_flow").join(data("train"));
    fs::create_dir_all(mine.parent().expect("a folder")).expect("writable");
    fs::write(&mine, "mine").expect("writable");
    let error = setting.refusal(&[]);
    assert!(error.contains(NAME) && error.contains("4 bytes") && error.contains("move it away"), "{error}");
    assert_eq!(fs::read(&mine).expect("readable"), b"mine");

    fs::write(setting.bench.path("wells/shear_flow/generated.json"), "{}").expect("writable");
    assert!(setting.refusal(&[]).contains("generated data"));
    let said = setting.bench.run(["data", "fetch", "no_flow", "--out", "wells"]).ended_with(1);
    assert!(said.err.contains("no system `no_flow`"), "{}", said.err);
}
