//! Files of a run.

use std::{fs, io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};
use physrep_records::sealed::sealed;
use serde_json::Value;

use super::{
    changes, places, rounds,
    trial::{Trials, find, link, replace},
};
use crate::support::{JEPA, Random, Suite, micro_run, read_json};

/// The commands that read a run in `run`.
fn readers() -> Vec<Vec<String>> {
    let commands = [
        "table run",
        "table run --format markdown",
        "table run --format latex",
        "table run --format csv",
        "table run --probe ridge",
        "report run --out page",
        "merge merged run",
        "compare run run",
        "status run",
        "tensorboard run",
    ];
    commands.map(|command| command.split(' ').map(String::from).collect()).to_vec()
}

/// A finished run in `run`.
fn run(folder: &Path) {
    link(micro_run(0), &folder.join("run"));
}

/// Changes the file `name` of a run, of which `seal` makes bytes of JSON.
fn changed(name: &'static str, seal: fn(&Value) -> Vec<u8>, commands: &[Vec<String>]) {
    let mut trials = Trials::of(name);
    let file = find(micro_run(0), name);
    let below = file.strip_prefix(micro_run(0)).expect("a file of the run");
    let (bytes, document) = (fs::read(&file).expect("readable"), read_json(&file));
    for round in 0..rounds() {
        let random = &mut Random::of(name, round);
        let hostile = match round % 4 {
            0 => changes::bytes(&bytes, random),
            _ => seal(&changes::json(&document, random)),
        };
        let prepare = |folder: &Path| {
            run(folder);
            replace(&folder.join("run").join(below), &hostile);
        };
        trials.run(&format!("file {round}"), prepare, commands.iter().cloned());
    }
    for (what, place) in places::ALL.into_iter().take(rounds() as usize) {
        let prepare = |folder: &Path| {
            run(folder);
            places::put(&folder.join("run").join(below), place);
        };
        trials.run(what, prepare, commands.iter().cloned());
    }
    trials.end();
}

fn plain(document: &Value) -> Vec<u8> {
    document.to_string().into_bytes()
}

/// Text with a digest that fits, so that what is behind the check is reached; or as it is, without a digest.
fn resealed(document: &Value) -> Vec<u8> {
    let text = plain(document);
    let whole = document["digest"].as_str().is_some_and(|digest| digest.len() == 64);
    if whole { sealed(text) } else { text }
}

#[test]
fn manifests() {
    changed("run.json", plain, &readers());
}

#[test]
fn records() {
    changed("result.json", resealed, &readers());
}

/// A record that is run again: its suite and its configuration are used.
#[test]
fn records_to_verify() {
    let (plugin, data) = (JEPA.argument(), "data".to_owned());
    let mut trials = Trials::of("recipe of result.json");
    let file = find(&micro_run(0).join("cells/shear_flow/mean"), "result.json");
    let document = read_json(&file);
    for round in 0..rounds() {
        let random = &mut Random::of("recipe", round);
        let mut record = document.clone();
        let part = *random.pick(&["recipe", "suite", "scores"]);
        match part {
            "recipe" => record["recipe"]["suite"] = changes::json(&document["recipe"]["suite"], random),
            part => record[part] = changes::json(&document[part], random),
        }
        let command = ["verify-result", "result.json", "--plugins", &plugin, "--data", &data, "--threads", "1"];
        let prepare = |folder: &Path| {
            link(Suite::Micro.data(), &folder.join("data"));
            replace(&folder.join("result.json"), &resealed(&record));
        };
        trials.run(&format!("file {round}"), prepare, [command.map(String::from).to_vec()]);
    }
    trials.end();
}

#[test]
fn compressed_records() {
    let mut trials = Trials::of("result.json.gz");
    let file = find(micro_run(0), "result.json");
    let below = file.strip_prefix(micro_run(0)).expect("a file of the run").with_file_name("result.json.gz");
    let compressed = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory does not fail")
    };
    let whole = compressed(&fs::read(&file).expect("readable"));
    for round in 0..rounds() {
        let random = &mut Random::of("gz", round);
        let hostile = match round % 3 {
            // A gigabyte of a digit, of brackets, of a string.
            0 => compressed(&random.pick(&[b"0", b"[", b" "]).repeat(1 << 30)),
            1 => changes::bytes(&whole, random),
            _ => compressed(&resealed(&changes::json(&read_json(&file), random))),
        };
        let prepare = |folder: &Path| {
            run(folder);
            fs::remove_file(folder.join("run").join(below.with_file_name("result.json"))).expect("removable");
            replace(&folder.join("run").join(&below), &hostile);
        };
        trials.run(&format!("file {round}"), prepare, readers());
    }
    trials.end();
}

#[test]
fn descriptions_of_cells() {
    let mut commands = readers();
    let record = find(micro_run(0), "cell.json").with_file_name("result.json");
    let key = read_json(&record)["key"].as_str().expect("a key").to_owned();
    commands.push(["cell", &key, "--run", "run"].map(String::from).to_vec());
    changed("cell.json", plain, &commands);
}

#[test]
fn progress() {
    let commands = ["status run", "status run --json"];
    changed("status.json", plain, &commands.map(|command| command.split(' ').map(String::from).collect()));
}

#[test]
fn samples() {
    changed("shear_flow.json", plain, &readers()[5..7]);
}

#[test]
fn failures_and_curves() {
    let mut trials = Trials::of("failure.json and curves.jsonl");
    let record = find(micro_run(0), "result.json");
    let below = record.strip_prefix(micro_run(0)).expect("a file of the run");
    let curves = find(micro_run(0), "curves.jsonl");
    let curves_below = curves.strip_prefix(micro_run(0)).expect("a file of the run");
    let identity = read_json(&micro_run(0).join("run.json"))["cells"].as_array().expect("cells").to_vec();
    let folder_of = below.parent().expect("a folder").display().to_string();
    let mut failure = identity.into_iter().find(|cell| cell["folder"] == folder_of.as_str()).expect("its cell");
    failure["schema"] = 5.into();
    for round in 0..rounds() {
        let random = &mut Random::of("failure", round);
        failure["reason"] = "\u{1b}]0;title\u{7}\u{202e} =1+1 | [x](https://example.org) <b>\n# heading".into();
        let failed = if round == 0 { plain(&failure) } else { plain(&changes::json(&failure, random)) };
        let hostile = changes::bytes(&fs::read(&curves).expect("readable"), random);
        let prepare = |folder: &Path| {
            run(folder);
            let run = folder.join("run");
            fs::remove_file(run.join(below)).expect("removable");
            replace(&run.join(below).with_file_name("failure.json"), &failed);
            replace(&run.join(curves_below), &hostile);
        };
        trials.run(&format!("file {round}"), prepare, readers());
    }
    trials.end();
}
