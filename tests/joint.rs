//! Joint pretraining: one network for all systems of a suite, a row of its own on each.

mod bench;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use bench::{Bench, root};
use candle_core::{Device, Tensor, safetensors};
use physrep_bench::observe::{Look, observe};
use physrep_benchmarks::{Split, packed::Packed, suite::Suite};
use serde_json::Value;

const MPP: &str = "plugins/mpp";
const SYSTEMS: [&str; 2] = ["shear_flow", "active_matter"];

/// The arguments of `all` on the two systems of suite `pair`.
fn arguments(bench: &Bench, out: &str, more: &[&str]) -> Vec<String> {
    bench.all_of("pair", MPP, out, more)
}

/// Where MPP's joint pretraining of a run lies; there is one.
fn pretraining(bench: &Bench, out: &str) -> PathBuf {
    let records = bench.find(&format!("{out}/joint"), "pretraining.json");
    assert_eq!(records.len(), 1, "one joint pretraining: {records:?}");
    let (name, path) = records.into_iter().next().expect("one");
    assert!(name.starts_with("mpp"), "{}", name.display());
    path.parent().expect("a folder").to_owned()
}

/// The files called `name` of the cells of MPP's joint rows, by system.
fn joint_cells(bench: &Bench, out: &str, name: &str) -> BTreeMap<String, PathBuf> {
    let of = |system: &&str| {
        let found = bench.find(&format!("{out}/cells/{system}/mpp-joint"), name);
        found.into_values().next().map(|path| (system.to_string(), path))
    };
    SYSTEMS.iter().filter_map(of).collect()
}

/// The result of MPP on a system.
fn result(results: &[Value], system: &str, initialisation: &str) -> Value {
    let wanted = |r: &&Value| {
        (r["method"].as_str(), r["system"].as_str(), r["initialisation"].as_str())
            == (Some("mpp"), Some(system), Some(initialisation))
    };
    results.iter().find(wanted).unwrap_or_else(|| panic!("mpp, {initialisation}, on {system}")).clone()
}

#[test]
fn a_method_that_can_gets_a_row_on_every_system_from_one_pretraining() {
    let bench = Bench::new();
    let jepa = root().join("plugins/jepa").display().to_string();
    let more = ["--plugins", &jepa, "--methods", "mpp,jepa"];
    let said = bench.run(arguments(&bench, "out", &more)).ended_with(0);

    // The row stands after that of the method pretrained alone: for each system in the frozen and the end-to-end tables by probe
    // and by parameter, in that of health and in both of costs; and in the two tables of both systems.
    let table = fs::read_to_string(bench.path("out/table.md")).expect("table.md");
    let methods: Vec<&str> = table.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim).collect();
    let after = |method: &str| methods.windows(2).filter(|pair| pair[1] == "mpp (joint)" && pair[0] == method).count();
    assert_eq!((after("mpp"), after("mpp (joint)")), (7 * 2 + 2, 3 * 2), "{table}");
    assert_eq!(table.matches("## all systems, ").count(), 2, "{table}");
    let summary = &table[table.find("## all systems, frozen encoders (suite pair v1)").expect("a summary")..];
    let header = summary.lines().find(|line| line.starts_with('|')).expect("a header");
    assert_eq!(
        header.split('|').map(str::trim).collect::<Vec<_>>(),
        ["", "method", "shear flow", "active matter", "mean rank", ""]
    );
    let row = summary.lines().find(|line| line.contains("mpp (joint)")).expect("a joint row");
    assert_eq!(row.matches(" ± ").count(), 2, "{row}");
    assert!(!table.contains("jepa (joint)") && said.out.contains("mpp (joint)"), "{table}");
    let csv = fs::read_to_string(bench.path("out/scores.csv")).expect("scores.csv");
    let rows = |text: &str| csv.lines().filter(|line| line.contains(text)).count();
    for system in SYSTEMS {
        let of = |row: &str| rows(&format!("{system},{row}"));
        assert_eq!((of("mpp,joint,"), of("jepa,joint,")), (of("mpp,pretrained,"), 0), "{csv}");
        assert!(of("mpp,joint,") > 0, "{csv}");
    }

    // Both cells tell of the one pretraining, which saw as much of each system as a pretraining on that alone.
    let folder = pretraining(&bench, "out");
    let record = bench::read_json(&folder.join("pretraining.json"));
    let systems: Vec<&Value> = record["systems"].as_array().expect("systems").iter().map(|s| &s["system"]).collect();
    assert_eq!(systems, SYSTEMS);
    assert_eq!(record["cost"]["samples"], 48);
    let curves = fs::read_to_string(folder.join("curves.jsonl")).expect("curves");
    assert_eq!(curves.lines().filter(|line| line.contains("\"loss\":")).count(), 12, "{curves}");
    assert!(!folder.join("checkpoint.bin").exists());
    let results = bench.results("out");
    assert_eq!(results.len(), 2 * 5);
    for system in SYSTEMS {
        let [joint, alone] = ["joint", "pretrained"].map(|initialisation| result(&results, system, initialisation));
        assert_eq!(joint["cost"]["pretrain"], record["cost"]);
        assert_eq!(alone["cost"]["pretrain"]["samples"], 24);
        assert_ne!(joint["readings"], alone["readings"], "on {system}");
    }

    // Everything is kept, and a selection of systems has no joint rows.
    let again = bench.run(arguments(&bench, "out", &more)).ended_with(0);
    assert_eq!(again.err.matches("done before, kept").count(), 10, "{}", again.err);
    assert_eq!(again.out, said.out);
    let one = bench.run(arguments(&bench, "out", &["--methods", "mpp", "--systems", "shear_flow"])).ended_with(0);
    assert_eq!(one.err.matches("done before, kept").count(), 2, "{}", one.err);
    assert!(one.err.contains("not all systems of the suite are selected"), "{}", one.err);
    assert!(!one.out.contains("(joint)"), "{}", one.out);

    encode(&bench, &folder.join("state.safetensors"));
}

/// `encode` with a joint state gives the embeddings of the cell, for the system that it is told.
fn encode(bench: &Bench, state: &Path) {
    let suite = Suite::load(&bench::fixture("suites/pair.toml").display().to_string()).expect("a suite");
    let embeddings = joint_cells(bench, "out", "embeddings.safetensors");
    let arguments = |more: &[&str]| -> Vec<String> {
        let mut all: Vec<String> =
            ["encode", "--method", "mpp", "--input", "clips.safetensors", "--output", "tokens.safetensors"]
                .map(String::from)
                .to_vec();
        let plugin = root().join(MPP);
        all.extend(["--plugins".into(), plugin.display().to_string()]);
        all.extend(["--checkpoint".into(), state.display().to_string()]);
        all.extend(more.iter().map(|s| s.to_string()));
        all
    };
    for system in SYSTEMS {
        let data = Packed::open(&bench.path(format!("data/{system}/pair-v1.packed"))).expect("packed data");
        let windows = data.windows(Split::Valid, &suite.window_on(system));
        let frames = suite.window.context;
        let mut clips = vec![0f32; windows.len() * data.clip_len(frames)];
        for (window, clip) in windows.iter().zip(clips.chunks_exact_mut(data.clip_len(frames))) {
            observe(&data, &suite, *window, frames, Look::Probing, clip).expect("observed");
        }
        let [height, width] = data.header().grid();
        let shape = (windows.len(), data.header().channels.len(), frames, height, width);
        let input = Tensor::from_vec(clips, shape, &Device::Cpu).expect("clips");
        let path = bench.path("clips.safetensors");
        safetensors::save(&HashMap::from([("input", input)]), path).expect("writable");

        bench.run(arguments(&["--system", system])).ended_with(0);
        let found = safetensors::load(bench.path("tokens.safetensors"), &Device::Cpu).expect("tokens");
        let expected = safetensors::load(&embeddings[system], &Device::Cpu).expect("embeddings");
        let difference = (&found["embedding"] - &expected["valid.tokens"]).and_then(|d| d.abs()?.max_all());
        let difference = difference.and_then(|d| d.to_scalar::<f32>()).expect("a number");
        assert!(difference < 1e-5, "{system}: {difference:e}");
    }

    let said = bench.run(arguments(&[])).ended_with(2);
    assert!(said.err.contains("--system") && said.err.contains("shear_flow, active_matter"), "{}", said.err);
    let said = bench.run(arguments(&["--system", "weather"])).ended_with(2);
    assert!(said.err.contains("weather") && said.err.contains("shear_flow, active_matter"), "{}", said.err);
    let said = bench.run(arguments(&["--system", "shear_flow"])).ended_with(1);
    assert!(said.err.contains("clips.safetensors: clips of 11 channels on 16x16 points"), "{}", said.err);
}

#[cfg(unix)]
#[test]
fn a_joint_pretraining_that_was_killed_goes_on_and_ends_with_the_same_bytes() {
    let bench = Bench::new();
    let of_run = |out: &str, more: &[&str]| arguments(&bench, out, &[&["--methods", "mpp"], more].concat());
    let outcome = |out: &str| {
        let folder = pretraining(&bench, out);
        let files = ["state.safetensors", "curves.jsonl"].map(|name| folder.join(name));
        let cells = joint_cells(&bench, out, "embeddings.safetensors").into_values();
        let bytes: Vec<Vec<u8>> = files.into_iter().chain(cells).map(|path| fs::read(path).expect("there")).collect();
        let results = joint_cells(&bench, out, "result.json").into_values();
        let scores: Vec<Value> = results.map(|path| bench::read_json(&path)["readings"].clone()).collect();
        assert_eq!((bytes.len(), scores.len()), (4, 2), "{out} is whole");
        (bytes, scores)
    };
    bench.run(of_run("whole", &[])).ended_with(0);

    let killed = of_run("killed", &["--checkpoint-every", "0"]);
    let kills = (0..3).take_while(|_| bench.kill_at_checkpoint(&killed, "killed/joint")).count();
    assert!(kills > 0, "at least one attempt was killed in the joint pretraining");
    bench.run(of_run("killed", &[])).ended_with(0);
    assert!(outcome("whole") == outcome("killed"), "the resumed pretraining ends with the bytes of the one left alone");
}

#[test]
fn a_joint_pretraining_that_fails_costs_all_its_cells_and_is_tried_once() {
    let bench = Bench::new();
    // Patches of 16 points fit shear flow's grid alone.
    let more = ["--methods", "mpp", "--set", "mpp.patch=16"];
    let said = bench.run(arguments(&bench, "out", &more)).ended_with(3);
    let reason = "the joint pretraining failed: ";
    let failures = joint_cells(&bench, "out", "failure.json");
    assert_eq!(failures.len(), 2);
    for (system, path) in failures {
        let failure = bench::read_json(&path);
        let said = failure["reason"].as_str().expect("a reason");
        assert!(said.starts_with(reason) && said.contains("a grid of 16 x 16 points"), "{system}: {said}");
    }
    let logs = joint_cells(&bench, "out", "log.txt");
    assert_eq!(logs.into_keys().collect::<Vec<_>>(), ["shear_flow"], "the second cell is not tried");
    assert_eq!(said.out.matches(&format!("seed 0 failed: {reason}")).count(), 2, "{}", said.out);
    // Alone, shear flow has its rows.
    let done: Vec<Value> = bench.results("out").iter().map(|result| result["system"].clone()).collect();
    assert_eq!(done, ["shear_flow", "shear_flow"], "{}", said.out);
}
