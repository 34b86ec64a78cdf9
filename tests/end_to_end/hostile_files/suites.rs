//! Suites and ranges.

use std::{fs, path::Path};

use super::{
    changes, places, rounds,
    trial::{Trials, replace},
};
use crate::support::{JEPA, Random, Suite};

/// The commands that read a suite in `suite.toml`, into the folder of the trial.
fn commands() -> Vec<Vec<String>> {
    let plugin = JEPA.argument();
    let suite = ["--suite", "./suite.toml"];
    let generate = ["data", "generate", "shear_flow", "--out", "data", "--threads", "1"].to_vec();
    let tune = ["tune", "jepa", "--plugins", &plugin, "--dry-run", "--data", "data"].to_vec();
    let plan = ["plan", "--plugins", &plugin, "--methods", "mean", "--data", "data", "--out", "out", "--threads", "1"];
    let all = [generate, tune, plan.to_vec()];
    all.map(|command| command.iter().chain(&suite).map(|argument| argument.to_string()).collect()).to_vec()
}

#[test]
fn suites() {
    let mut trials = Trials::of("suite.toml");
    let text = Suite::Micro.text();
    for round in 0..rounds() {
        let random = &mut Random::of("suite", round);
        let hostile = match round % 6 {
            0 => changes::bytes(text.as_bytes(), random),
            _ => changes::toml(&text, random),
        };
        let prepare = |folder: &Path| replace(&folder.join("suite.toml"), &hostile);
        trials.run(&format!("file {round}"), prepare, commands());
    }
    for (what, place) in places::ALL.into_iter().take(rounds() as usize) {
        trials.run(what, |folder| places::put(&folder.join("suite.toml"), place), commands());
    }
    trials.end();
}

#[test]
fn ranges() {
    let mut trials = Trials::of("ranges.toml");
    let text = fs::read_to_string(JEPA.folder().join("tuning.toml")).expect("readable");
    let suite = Suite::Micro.path().display().to_string();
    let plugin = JEPA.argument();
    let command = ["tune", "jepa", "--plugins", &plugin, "--dry-run", "--suite", &suite, "--ranges", "ranges.toml"];
    for round in 0..rounds() {
        let random = &mut Random::of("ranges", round);
        let hostile =
            if round % 3 == 0 { changes::bytes(text.as_bytes(), random) } else { changes::toml(&text, random) };
        let prepare = |folder: &Path| replace(&folder.join("ranges.toml"), &hostile);
        trials.run(&format!("file {round}"), prepare, [command.map(String::from).to_vec()]);
    }
    for (what, place) in places::ALL.into_iter().take(rounds() as usize) {
        let prepare = |folder: &Path| places::put(&folder.join("ranges.toml"), place);
        trials.run(what, prepare, [command.map(String::from).to_vec()]);
    }
    trials.end();
}
