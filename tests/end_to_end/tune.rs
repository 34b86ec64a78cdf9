//! `tune`: random trials from ranges, chosen on valid.

use std::{collections::BTreeMap, fs, path::PathBuf};

use physrep_benchmarks::suite;
use physrep_records::{TrialOutcome, TuningRecord};
use serde_json::{Value, json};

use crate::support::{
    AUTOENCODER, DISCO, HOSTILE, JEPA, MPP, Plugin, Running, SPY, Suite, TestProject, VIDEOMAE, read_json, root,
    wait_until,
};

/// The arguments of `tune METHOD` on the micro suite into `out`, with the ranges `text`.
fn tune(project: &TestProject, method: &str, plugin: Plugin, text: &str, more: &[&str]) -> Vec<String> {
    project.write("ranges.toml", text);
    let arguments = project.all(Suite::Micro, plugin, "out", more);
    ["tune", method, "--ranges", "ranges.toml"]
        .into_iter()
        .map(String::from)
        .chain(arguments.into_iter().skip(1))
        .collect()
}

/// The record of a tuning into `out`.
fn record(project: &TestProject, method: &str) -> TuningRecord {
    serde_json::from_value(read_json(&project.path(format!("out/tune/{method}.json")))).expect("a record")
}

/// The cells of the trials that are over, with their bytes.
fn over(project: &TestProject) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = ["result.json", "failure.json"].map(|name| project.find("out/tune", name));
    files.into_iter().flatten().map(|(name, path)| (name, fs::read(path).expect("readable"))).collect()
}

const LEARNING_RATE: &str = "training.lr = { log = [1e-4, 1e-2] }\n";

#[test]
fn a_tuning_chooses_on_valid_and_its_lines_make_a_suite() {
    let project = TestProject::new();
    let arguments = tune(&project, "jepa", JEPA, LEARNING_RATE, &["--trials", "2"]);
    let output = project.run(&arguments).exits_with(0);
    assert!(output.out.contains("2 trials are not the budget of 16"), "{}", output.out);
    let record = record(&project, "jepa");
    assert_eq!((record.trials.len(), record.seed, record.cell_seed), (2, 0, 0));
    assert_eq!(record.ranges.text, LEARNING_RATE);
    assert_eq!((record.systems[0].suite.name.as_str(), record.systems[0].suite.version), ("micro", 1));

    // A trial is scored on valid, and on nothing else.
    let results = project.results("out/tune");
    assert_eq!(results.len(), 2);
    for (trial, result) in record.trials.iter().zip(&results) {
        assert_eq!(result["trial"], trial.trial);
        assert_eq!(result["recipe"]["config"]["training"]["lr"], trial.drawn["training.lr"]);
        let [score] = result["scores"].as_array().expect("scores").as_slice() else {
            panic!("one score: {}", result["scores"]);
        };
        let facts = ["split", "probe", "track", "label_fraction"].map(|key| score[key].clone());
        assert_eq!(facts, [json!("valid"), json!("attentive"), json!("frozen"), json!(1.0)]);
        assert_eq!(result["splits"].as_object().expect("splits").keys().collect::<Vec<_>>(), ["valid"]);
        assert!(result["health"].is_null(), "the label permutation test is scored on test");
        assert_eq!(trial.systems["shear_flow"], TrialOutcome::Score(score["mean"]["mse"].as_f64().expect("a score")));
    }
    let scores: Vec<f64> = record.trials.iter().map(|trial| trial.score.expect("a score")).collect();
    assert_eq!(record.chosen, Some(u64::from(scores[1] < scores[0])), "{scores:?}");
    let refused = project.run(["table", "out/tune/jepa"]).exits_with(2);
    assert!(refused.err.contains("trials of a tuning, which have no test scores"), "{}", refused.err);

    // The same command gives the same trials, and finds them done.
    let before = over(&project);
    project.run(&arguments).exits_with(0);
    assert!(before == over(&project));
    assert_eq!(record, self::record(&project, "jepa"));
    let drawn = project.run(arguments.iter().map(String::as_str).chain(["--dry-run"])).exits_with(0).out;
    assert!(record.trials.iter().all(|trial| drawn.contains(&trial.drawn["training.lr"].to_string())), "{drawn}");

    // The suite with the printed lines has the chosen row, and its records the number of trials.
    let lines = output.out.split_once("[methods.jepa]").expect("the lines of the suite").1;
    let micro = Suite::Micro.text();
    let (before, after) = micro.split_once("[methods.jepa]").expect("a section");
    let after = after.split_once("[[system]]").expect("a section").1;
    let text = format!("{before}[methods.jepa]{lines}\n[[system]]{after}");
    let all = |out, more: &[&str]| {
        let arguments = project.all(Suite::Micro, JEPA, out, &[&["--methods", "jepa"], more].concat());
        project.run(project.with_suite(arguments, "tuned.toml", &text)).exits_with(0);
        let trials = |result: &Value| (result["recipe"]["tuning_trials"].clone(), result["recipe"]["config"].clone());
        project.results(out).iter().map(trials).collect::<Vec<_>>()
    };
    assert_eq!(all("tuned", &[]), vec![(json!(2), record.config.clone()); 2]);
    let table = fs::read_to_string(project.path("tuned/table.md")).expect("a table");
    assert!(table.contains("| tuning trials |"), "{table}");
    let other = all("other", &["--set", "jepa.training.warmup=0.5"]);
    assert!(other.iter().all(|(trials, _)| trials.is_null()), "another configuration was not tuned: {other:?}");
}

#[test]
fn a_stopped_tuning_goes_on_and_repeats_no_trial() {
    let project = TestProject::new();
    let arguments = tune(&project, "hostile", HOSTILE, "slow = { integer = [60, 90] }", &["--trials", "4"]);
    let running = Running::start(project.command(&arguments));
    wait_until("the first trial", || !project.find("out/tune", "result.json").is_empty());
    running.interrupt();
    assert_eq!(running.output().code, Some(130));
    assert!(!project.path("out/tune/hostile.json").exists(), "nothing is chosen before all trials are over");
    let before = over(&project);
    assert!((1..4).contains(&before.len()), "{} trials are over", before.len());

    project.run(&arguments).exits_with(0);
    let after = over(&project);
    assert_eq!(after.len(), 4);
    assert!(before.iter().all(|(trial, bytes)| after[trial] == *bytes), "finished trials are kept");
    assert!(record(&project, "hostile").trials.iter().all(|trial| trial.score.is_some()));
}

#[test]
fn a_failed_trial_counts_with_its_reason() {
    let project = TestProject::new();
    let arguments = tune(&project, "hostile", HOSTILE, "fault = { choice = ['none', 'nan'] }", &["--trials", "6"]);
    let output = project.run(&arguments).exits_with(0);
    let record = record(&project, "hostile");
    let (failed, scored): (Vec<_>, Vec<_>) = record.trials.iter().partition(|trial| trial.score.is_none());
    assert!(!failed.is_empty() && !scored.is_empty(), "both are drawn: {:?}", record.trials);
    for trial in failed {
        assert_eq!(trial.drawn["fault"], "nan");
        let TrialOutcome::Failed(reason) = &trial.systems["shear_flow"] else { panic!("{trial:?}") };
        assert!(reason.contains("the loss is NaN"), "{reason}");
        assert!(
            output.out.contains(&format!("trial {} failed on shear_flow: {reason}", trial.trial)),
            "{}",
            output.out
        );
    }
    assert!(scored.iter().any(|trial| Some(trial.trial) == record.chosen));
    let before = over(&project);
    project.run(&arguments).exits_with(0);
    assert!(before == over(&project), "with the same values it fails again, for the same reason");

    let arguments = tune(&project, "hostile", HOSTILE, "fault = { choice = ['nan', 'error'] }", &["--trials", "1"]);
    let output = project.run(&arguments).exits_with(3);
    assert!(output.err.contains("every trial failed"), "{}", output.err);
    assert_eq!(self::record(&project, "hostile").chosen, None);
}

/// A trial that the machine had failed, such as one on a full disk, stayed failed.
#[test]
fn a_trial_that_the_machine_failed_is_run_again() {
    let project = TestProject::new();
    let arguments = tune(&project, "hostile", HOSTILE, "slow = { integer = [0, 1] }", &["--trials", "1"]);
    project.run(&arguments).exits_with(0);
    let before = over(&project);
    let trial = project.find("out/tune", "result.json").pop_first().expect("a trial").1;
    let curves = trial.with_file_name("curves.jsonl");
    for file in [&trial, &curves, &trial.with_file_name("state.safetensors")] {
        fs::remove_file(file).expect("removable");
    }
    fs::create_dir(&curves).expect("a folder that no file can replace");
    let output = project.run(&arguments).exits_with(3);
    assert!(
        output.out.contains("trial 0 failed on shear_flow") && output.out.contains("Is a directory"),
        "{}",
        output.out
    );
    fs::remove_dir(&curves).expect("removable");
    project.run(&arguments).exits_with(0);
    let scores = |bytes: &BTreeMap<PathBuf, Vec<u8>>| {
        bytes
            .values()
            .map(|bytes| serde_json::from_slice::<Value>(bytes).expect("JSON")["scores"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(scores(&over(&project)), scores(&before));
}

#[test]
fn no_clip_of_a_test_split_is_encoded() {
    let project = TestProject::new();
    let arguments = tune(&project, "spy", SPY, "mark = { choice = ['a', 'b'] }", &["--trials", "1"]);
    project.run(&arguments).exits_with(0);
    let logs = project.find("out/tune", "log.txt");
    let given: String = logs.values().map(|log| fs::read_to_string(log).expect("readable")).collect();
    let batch = |line: &str| line.split_once(" spies: encode [")?.1.split(',').next()?.parse::<u32>().ok();
    let batches = given.lines().filter_map(batch);
    // Two windows of each of the 8 trajectories of train and the 4 of valid; those of valid three times more, to check that they do not
    // depend on their batch. Test has 4 trajectories more, and held-out 3.
    assert_eq!(batches.sum::<u32>(), 2 * (8 + 4) + 3 * 2 * 4, "{given}");
    assert!(project.find("out", "embeddings.safetensors").is_empty());
}

#[test]
fn wrong_requests_are_refused_with_what_there_is() {
    let project = TestProject::new();
    for (method, ranges, more, expected) in [
        ("hostile", "slwo = { integer = [0, 2] }", [].as_slice(), "no key `slwo` (did you mean `slow`?)"),
        ("hostile", "slow = { log = [1, 2] }", &[], "`slow` of hostile is a whole number, 0"),
        ("hostile", "slow = 3", &[], "`slow`: expected a range"),
        ("hostle", "slow = { integer = [0, 2] }", &[], "no method `hostle` (did you mean `hostile`?); found: hostile"),
        ("hostile", "slow = { integer = [0, 2] }", &["--trials", "0"], "expected 1 or more; 16 is the budget"),
        ("hostile", "slow = { integer = [0, 2] }", &["--systems", "weather"], "no system `weather`"),
    ] {
        let output = project.run(tune(&project, method, HOSTILE, ranges, more)).exits_with(2);
        assert!(output.err.contains(expected), "expected {expected:?} in:\n{}", output.err);
        output.has_one_error_line();
    }
    let hostile = HOSTILE.folder().display().to_string();
    let output = project.run(["tune", "hostile", "--plugins", &hostile, "--dry-run"]).exits_with(2);
    assert!(output.err.contains("hostile/tuning.toml: no ranges") && output.err.contains("--ranges"), "{}", output.err);
}

#[test]
fn every_bundled_method_has_ranges_that_fit_its_configuration() {
    let project = TestProject::new();
    let methods =
        [(AUTOENCODER, "autoencoder"), (DISCO, "disco"), (JEPA, "jepa"), (MPP, "mpp"), (VIDEOMAE, "videomae")];
    for (plugin, method) in methods {
        let ranges = plugin.folder().join("tuning.toml").display().to_string();
        let arguments = ["tune", method, "--plugins", &plugin.argument(), "--ranges", &ranges, "--dry-run"];
        let drawn = project.run(arguments).exits_with(0).out;
        assert!(drawn.contains("training.lr") && drawn.contains("training.weight_decay"), "{drawn}");
        assert_eq!(
            drawn.lines().filter(|line| line.starts_with("│ ")).count(),
            1 + 16,
            "a head and 16 trials:\n{drawn}"
        );
    }
}

/// The configuration that a suite says was tuned is the one that its record chose.
#[test]
fn a_suite_names_tunings_as_their_records_have_them() {
    for name in suite::Suite::names() {
        let suite = suite::Suite::load(name).expect("a suite");
        for (method, tuned) in &suite.tuning {
            let record: TuningRecord =
                serde_json::from_value(read_json(&root().join(&tuned.record))).expect("a record");
            assert_eq!((&record.method, record.trials.len() as u64), (method, tuned.trials), "{name}: {method}");
            assert_eq!(Some(&record.config), suite.methods.get(method), "{name}: {method}");
        }
    }
}
