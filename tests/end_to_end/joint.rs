//! Joint pretraining: one network for all systems of a suite, with a row of its own on each.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use physrep_benchmarks::{Split, packed::Packed, suite};
use serde_json::Value;

use crate::support::{
    Array, JEPA, MPP, Suite, TestProject, kill_at_next_checkpoint, read_json, read_tensors, write_tensors,
};

const SYSTEMS: [&str; 2] = ["shear_flow", "active_matter"];

/// The arguments of `all` on the two systems of the suite `pair`.
fn arguments(project: &TestProject, out: &str, more: &[&str]) -> Vec<String> {
    project.all(Suite::Pair, MPP, out, more)
}

/// The folder of MPP's joint pretraining in a run; there is one.
fn pretraining(project: &TestProject, out: &str) -> PathBuf {
    let records = project.find(format!("{out}/joint"), "pretraining.json");
    assert_eq!(records.len(), 1, "one joint pretraining: {records:?}");
    let (name, path) = records.into_iter().next().expect("one");
    assert!(name.starts_with("mpp"), "{}", name.display());
    path.parent().expect("a folder").to_owned()
}

/// The files called `name` of the cells of MPP's joint rows, by system.
fn joint_cells(project: &TestProject, out: &str, name: &str) -> BTreeMap<String, PathBuf> {
    let of = |system: &&str| {
        let found = project.find(format!("{out}/cells/{system}/mpp-joint"), name);
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
    let project = TestProject::new();
    // Without noise, what is encoded is what the packed data holds.
    let text = Suite::Pair.text().replace("noise = 0.1", "noise = 0");
    let arguments = |more: &[&str]| project.with_suite(arguments(&project, "out", more), "clean.toml", &text);
    let more = ["--plugins", &JEPA.argument(), "--methods", "mpp,jepa"];
    let output = project.run(arguments(&more)).exits_with(0);

    // The row follows that of the method pretrained alone: for each system in the frozen and the end-to-end tables by probe
    // and by parameter, in that of health and in both of costs; in the two tables of both systems; and once, with its lines for both
    // systems together, in the five tables, one per probe and track, that ask whether pretraining helps.
    let table = fs::read_to_string(project.path("out/table.md")).expect("table.md");
    let cells = table.lines().filter_map(|line| line.split('|').nth(1));
    let methods: Vec<&str> = cells.map(|cell| cell.split(" [").next().unwrap_or_default().trim()).collect(); // without notes
    let after = |method: &str| methods.windows(2).filter(|pair| pair[1] == "mpp (joint)" && pair[0] == method).count();
    assert_eq!((after("mpp"), after("mpp (joint)")), (7 * 2 + 2 + 5, 3 * 2 + 5), "{table}");
    assert_eq!(table.matches("## all systems, ").count(), 2 + 5, "{table}");
    let summary = &table[table.find("## all systems, frozen encoders (suite pair v1, draw 0)").expect("a summary")..];
    let header = summary.lines().find(|line| line.starts_with('|')).expect("a header");
    assert_eq!(
        header.split('|').map(str::trim).collect::<Vec<_>>(),
        ["", "method", "shear flow", "active matter", "mean rank", ""]
    );
    let row = summary.lines().find(|line| line.contains("mpp (joint)")).expect("a joint row");
    assert_eq!(row.matches(" ± ").count(), 2, "{row}");
    assert!(!table.contains("jepa (joint)") && output.out.contains("mpp (joint)"), "{table}");
    let csv = fs::read_to_string(project.path("out/scores.csv")).expect("scores.csv");
    let rows = |text: &str| csv.lines().filter(|line| line.contains(text)).count();
    for system in SYSTEMS {
        let of = |row: &str| rows(&format!("{system},{row}"));
        assert_eq!((of("mpp,joint,"), of("jepa,joint,")), (of("mpp,pretrained,"), 0), "{csv}");
        assert!(of("mpp,joint,") > 0, "{csv}");
    }

    // Both cells record the one pretraining, which saw as much of each system as a pretraining on that system alone.
    let folder = pretraining(&project, "out");
    let record = read_json(&folder.join("pretraining.json"));
    let systems: Vec<&Value> = record["systems"].as_array().expect("systems").iter().map(|s| &s["system"]).collect();
    assert_eq!(systems, SYSTEMS);
    assert_eq!(record["cost"]["samples"], 48);
    let curves = fs::read_to_string(folder.join("curves.jsonl")).expect("curves");
    assert_eq!(curves.lines().filter(|line| line.contains("\"loss\":")).count(), 12, "{curves}");
    assert!(!folder.join("checkpoint.bin").exists());
    let results = project.results("out");
    assert_eq!(results.len(), 2 * 5);
    for system in SYSTEMS {
        let [joint, alone] = ["joint", "pretrained"].map(|initialisation| result(&results, system, initialisation));
        assert_eq!(joint["cost"]["pretrain"], record["cost"]);
        assert_eq!(alone["cost"]["pretrain"]["samples"], 24);
        assert_ne!(joint["scores"], alone["scores"], "on {system}");
    }

    // Everything is kept, and a selection of systems has no joint rows.
    let again = project.run(arguments(&more)).exits_with(0);
    assert_eq!(again.err.matches("done before, kept").count(), 10, "{}", again.err);
    assert_eq!(again.out, output.out);
    let one = project.run(arguments(&["--methods", "mpp", "--systems", "shear_flow"])).exits_with(0);
    assert_eq!(one.err.matches("done before, kept").count(), 2, "{}", one.err);
    assert!(one.err.contains("not all systems of the suite are selected"), "{}", one.err);
    assert!(!one.out.contains("(joint)"), "{}", one.out);

    encode_with_the_joint_state(&project, &folder.join("state.safetensors"));
}

/// `encode` with a joint state gives the embeddings of the cell of the system that it is told.
fn encode_with_the_joint_state(project: &TestProject, state: &Path) {
    let suite = suite::Suite::load(&project.path("clean.toml").display().to_string()).expect("a suite");
    let embeddings = joint_cells(project, "out", "embeddings.safetensors");
    let (plugin, state) = (MPP.argument(), state.display().to_string());
    let files = ["--checkpoint", &state, "--input", "clips.safetensors", "--output", "tokens.safetensors"];
    let encode = |more: &[&str]| {
        project.run(["encode", "--method", "mpp", "--plugins", &plugin].iter().chain(&files).chain(more))
    };
    for system in SYSTEMS {
        let packed = Suite::Pair.data().join(system).join("pair-v1.packed");
        let data = Packed::open(&packed).expect("packed data");
        let windows = data.windows(Split::Valid, &suite.window_on(system));
        let frames = suite.window.context;
        let [height, width] = data.header().grid();
        let mut clips = Array::zeros(&[windows.len(), data.header().channels.len(), frames, height, width]);
        for (window, clip) in windows.iter().zip(clips.values.chunks_exact_mut(data.clip_len(frames))) {
            data.clip(*window, frames, clip).expect("there");
        }
        write_tensors(&project.path("clips.safetensors"), "input", &clips);

        encode(&["--system", system]).exits_with(0);
        let found = &read_tensors(&project.path("tokens.safetensors"))["embedding"];
        let expected = &read_tensors(&embeddings[system])["valid.tokens"];
        assert_eq!(found.shape, expected.shape);
        let differences = found.values.iter().zip(&expected.values).map(|(a, b)| (a - b).abs());
        assert!(differences.fold(0.0, f32::max) < 1e-5, "{system}");
    }

    let output = encode(&[]).exits_with(2);
    assert!(output.err.contains("--system") && output.err.contains("shear_flow, active_matter"), "{}", output.err);
    let output = encode(&["--system", "weather"]).exits_with(2);
    assert!(output.err.contains("weather") && output.err.contains("shear_flow, active_matter"), "{}", output.err);
    let output = encode(&["--system", "shear_flow"]).exits_with(1);
    assert!(output.err.contains("clips.safetensors: clips of 11 channels on 16x16 points"), "{}", output.err);
}

#[test]
fn a_killed_joint_pretraining_resumes_and_ends_with_the_same_bytes() {
    let project = TestProject::new();
    let of_run = |out: &str, more: &[&str]| arguments(&project, out, &[&["--methods", "mpp"], more].concat());
    let outcome = |out: &str| {
        let folder = pretraining(&project, out);
        let files = ["state.safetensors", "curves.jsonl"].map(|name| folder.join(name));
        let cells = joint_cells(&project, out, "embeddings.safetensors").into_values();
        let bytes: Vec<Vec<u8>> = files.into_iter().chain(cells).map(|path| fs::read(path).expect("there")).collect();
        let results = joint_cells(&project, out, "result.json").into_values();
        let scores: Vec<Value> = results.map(|path| read_json(&path)["scores"].clone()).collect();
        assert_eq!((bytes.len(), scores.len()), (4, 2), "{out} is whole");
        (bytes, scores)
    };
    project.run(of_run("whole", &[])).exits_with(0);

    let killed = of_run("killed", &["--checkpoint-every", "0"]);
    let steps: Vec<_> = (0..3).map_while(|_| kill_at_next_checkpoint(&project, &killed, "killed/joint")).collect();
    assert!(steps.len() >= 2 && steps.is_sorted_by(|a, b| a < b), "killed at the checkpoints of steps {steps:?}");
    project.run(of_run("killed", &[])).exits_with(0);
    assert!(
        outcome("whole") == outcome("killed"),
        "the resumed pretraining ends with the bytes of the undisturbed one"
    );
}

#[test]
fn a_joint_pretraining_that_fails_costs_all_its_cells_and_is_tried_once() {
    let project = TestProject::new();
    // Patches of 16 points fit shear flow's grid alone.
    let more = ["--methods", "mpp", "--set", "mpp.patch=16"];
    let output = project.run(arguments(&project, "out", &more)).exits_with(3);
    let reason = "the joint pretraining failed: ";
    let failures = joint_cells(&project, "out", "failure.json");
    assert_eq!(failures.len(), 2);
    for (system, path) in failures {
        let failure = read_json(&path);
        let message = failure["reason"].as_str().expect("a reason");
        assert!(message.starts_with(reason) && message.contains("a grid of 16 x 16 points"), "{system}: {message}");
    }
    let logs = joint_cells(&project, "out", "log.txt");
    assert_eq!(logs.into_keys().collect::<Vec<_>>(), ["shear_flow"], "the second cell is not tried");
    assert_eq!(output.out.matches(&format!("seed 0 failed: {reason}")).count(), 2, "{}", output.out);
    // Alone, shear flow has its rows.
    let done: Vec<Value> = project.results("out").iter().map(|result| result["system"].clone()).collect();
    assert_eq!(done, ["shear_flow", "shear_flow"], "{}", output.out);
}
