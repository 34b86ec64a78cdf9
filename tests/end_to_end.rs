//! `physrep-bench all` from nothing to a table, again, and with methods that misbehave.

mod bench;

use std::fs;

use bench::{Bench, root};
use serde_json::Value;

const HOSTILE: &str = "tests/plugins/hostile";

/// The mean error over parameters that `probe` has on the test split in a result, with all labels.
fn error(result: &Value, probe: &str) -> f64 {
    let readings = result["readings"].as_array().expect("readings");
    let found = readings
        .iter()
        .find(|r| r["probe"] == probe && r["split"] == "test" && r["label_fraction"] == 1.0 && r["track"] == "frozen");
    found.unwrap_or_else(|| panic!("no reading by {probe}"))["mean"]["mse"].as_f64().expect("a number")
}

#[test]
fn all_goes_from_nothing_to_a_table_and_a_second_run_keeps_everything() {
    let bench = Bench::new();
    let arguments = bench.all("plugins/jepa", "out", &[]);
    let first = bench.run(&arguments).ended_with(0);
    for word in ["shear_flow", "jepa", "random init", "features", "attentive", "mlp", "ridge", "knn", "effective"] {
        assert!(first.out.contains(word), "the table has {word}:\n{}", first.out);
    }
    let results = bench.results("out");
    assert_eq!(results.len(), 4, "jepa, jepa at random, features, mean");
    for result in &results {
        if result["method"] == "mean" {
            let mse = error(result, "mean");
            assert!((mse - 1.0).abs() < 1e-6, "predicting the mean scores 1 by construction, not {mse}");
        }
        let environment = &result["environment"];
        for key in ["git_revision", "rustc", "cpu", "data_checksum", "finished"] {
            assert!(environment[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {environment}");
        }
        assert!(result["cost"]["peak_memory_mib"].as_u64().is_some_and(|mib| mib > 0));
        // What has no phase of its own has cost nothing there.
        let encoded = result["method"] != "mean";
        assert_eq!(result["cost"]["encode"]["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), encoded);
    }
    let pretrained = results.iter().find(|r| r["initialisation"] == "pretrained").expect("a pretrained row");
    let random = results.iter().find(|r| r["initialisation"] == "random").expect("a random row");
    assert_eq!(pretrained["cost"]["pretrain"]["samples"], 24);
    assert_eq!(random["cost"]["pretrain"]["samples"], 0);
    // Where the system tells one phase's memory from another's, it does so for all, and none holds more than the worker.
    let cost = &pretrained["cost"];
    let peaks = ["pretrain", "encode", "probe", "finetune"].map(|phase| cost[phase]["peak_memory_mib"].as_u64());
    assert!(peaks.iter().all(|peak| peak.is_some() == peaks[0].is_some()), "{cost}");
    assert!(peaks.iter().flatten().all(|&mib| mib > 0 && Some(mib) <= cost["peak_memory_mib"].as_u64()), "{cost}");
    assert_ne!(pretrained["encoder"]["checksum"], random["encoder"]["checksum"], "pretraining changes the encoder");

    for result in [pretrained, random] {
        let choices = result["choices"].as_array().expect("choices");
        let epochs = &choices.iter().find(|choice| choice["track"] == "end-to-end").expect("a choice")["record"];
        assert_eq!(epochs["valid"].as_array().map(Vec::len), Some(2), "{epochs}");
        assert_eq!(result["cost"]["finetune"]["samples"], 32);
    }
    assert!(first.out.contains("trained end to end with labels"), "{}", first.out);

    for result in &results {
        let (health, has) = (&result["health"], result["method"] != "mean");
        assert_eq!(health.is_object(), has, "{health}");
        if has {
            assert!(health["spread"]["effective_rank"].as_f64().is_some_and(|rank| rank > 1.0), "{health}");
            assert_eq!(health["control"]["r2"].as_array().map(Vec::len), Some(39), "{health}");
        }
        if result["encoder"].is_object() {
            assert_eq!(health["encoder_unchanged"], true);
            let gradient = &health["gradient"];
            let watched = (result["initialisation"] == "pretrained").then_some(6);
            assert_eq!(gradient["steps"].as_u64(), watched, "{gradient}");
            assert_eq!(gradient["silent"].as_u64(), watched.map(|_| 0), "{gradient}");
        }
    }

    // One tidy row per method, initialisation, track, probe, share of labels, split, and parameter or mean.
    let csv = fs::read_to_string(bench.path("out/scores.csv")).expect("scores.csv");
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some(
            "suite,suite_version,system,method,initialisation,seed,track,probe,label_fraction,split,parameter,mse,r2,\
             trajectory_mse,trajectory_r2"
        )
    );
    assert_eq!(
        lines.count(),
        ((2 * 4 + 2) * 2 + 2) * 2 * 3,
        "probes x shares of labels, end to end, splits, parameters"
    );
    let markdown = fs::read_to_string(bench.path("out/table.md")).expect("table.md");
    assert!(markdown.contains("| method"), "{markdown}");

    let before = bench.find("out", "result.json").into_values().map(|f| fs::read(f).expect("readable"));
    let before: Vec<_> = before.collect();
    let again = bench.run(&arguments).ended_with(0);
    assert_eq!(again.err.matches("done before, kept").count(), 4, "{}", again.err);
    let after: Vec<_> =
        bench.find("out", "result.json").into_values().map(|f| fs::read(f).expect("readable")).collect();
    assert_eq!(before, after, "a second run changes no result");
    assert_eq!(first.out, again.out, "and prints the same table");

    // Only the missing cell is run.
    let (_, lost) = bench.find("out", "result.json").pop_first().expect("a result");
    fs::remove_file(&lost).expect("removable");
    let third = bench.run(&arguments).ended_with(0);
    assert_eq!(third.err.matches("done before, kept").count(), 3, "{}", third.err);
    assert_eq!(first.out, third.out);
}

/// Runs the hostile plugin with a fault and returns the note of its row.
fn failure(bench: &Bench, fault: &str, place: &str) -> String {
    let out = format!("{fault}-{place}");
    let set = [format!("hostile.fault={fault}"), format!("hostile.place={place}")];
    let more = ["--set", &set[0], "--set", &set[1], "--stall-timeout", "3"];
    let said = bench.run(bench.all(HOSTILE, &out, &more)).ended_with(3);
    assert!(said.out.contains("features") && said.out.contains("ridge"), "other rows are unharmed:\n{}", said.out);
    assert!(said.out.contains("hostile [1]"), "the row stays in the table:\n{}", said.out);
    assert!(said.out.contains("[1] seed 0 failed: "), "with the reason:\n{}", said.out);
    let failures = bench.find(&out, "failure.json");
    let reasons: Vec<String> =
        failures.values().map(|path| bench::read_json(path)["reason"].as_str().expect("a reason").into()).collect();
    assert!(!reasons.is_empty());
    reasons.into_iter().next().expect("one")
}

#[test]
fn a_misbehaving_plugin_costs_its_cell_and_the_reason_stays() {
    let bench = Bench::new();
    let cases = [
        ("panic", "loss", "panicked in pretrain_step: hostile on purpose"),
        ("panic", "new", "panicked in create: hostile on purpose"),
        ("panic", "encode", "panicked in encode: hostile on purpose"),
        ("abort", "loss", "the worker died in pretrain (aborted)"),
        ("exit", "loss", "the worker died in"),
        ("loop", "loss", "no progress for 3 s in"),
        ("nan", "loss", "the loss is NaN at step 0"),
        ("nan", "encode", "NaN"),
        ("error", "loss", "an error on purpose"),
        ("unused", "loss", "forgotten.weight"),
    ];
    for (fault, place, expected) in cases {
        let reason = failure(&bench, fault, place);
        assert!(reason.contains(expected), "{fault} in {place}: {reason:?} says {expected:?}");
    }
}

#[test]
fn what_a_plugin_prints_is_not_taken_for_the_protocol() {
    let bench = Bench::new();
    let more = ["--set", "hostile.fault=print", "--methods", "hostile"];
    bench.run(bench.all(HOSTILE, "out", &more)).ended_with(0);
}

#[test]
fn wrong_usage_says_what_there_is() {
    let bench = Bench::new();
    let hostile = root().join(HOSTILE).display().to_string();
    let cases: [(&[&str], i32, &str); 7] = [
        (&["all", "--suite", "huge"], 1, "tiny"),
        (&["all", "--suite", "nowhere/suite.toml"], 1, "nowhere/suite.toml"),
        (&["all", "--plugins", "nowhere"], 2, "nowhere"),
        (&["all", "--plugins", &hostile, "--methods", "jepa"], 2, "features, mean, hostile"),
        (&["all", "--plugins", &hostile, "--systems", "weather"], 2, "shear_flow"),
        (&["all", "--plugins", &hostile, "--set", "jepa.lr=1"], 2, "METHOD.KEY=VALUE"),
        (&["data", "generate", "weather", "--out", "data"], 1, "shear_flow"),
    ];
    for (arguments, code, expected) in cases {
        let said = bench.run(arguments).ended_with(code);
        assert!(said.err.contains(expected), "{arguments:?} says {expected:?}:\n{}", said.err);
        assert_eq!(said.err.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{}", said.err);
    }
}

#[test]
fn an_unknown_key_of_a_configuration_fails_the_cell_and_lists_the_keys() {
    let bench = Bench::new();
    let more = ["--set", "hostile.speed=3", "--methods", "hostile"];
    let said = bench.run(bench.all(HOSTILE, "out", &more)).ended_with(3);
    assert!(said.err.contains("`hostile` has no key `speed`; it has: fault, place, slow"), "{}", said.err);
}

#[test]
fn a_cell_is_kept_when_only_other_seeds_or_other_methods_change() {
    let bench = Bench::new();
    let more = ["--methods", "features,mean"];
    bench.run(bench.all(HOSTILE, "out", &more)).ended_with(0);
    let text = fs::read_to_string(bench::fixture("suites/micro.toml")).expect("the suite");
    let changed =
        text.replace("seeds = [0]", "seeds = [0, 1]").replace("dims = [4, 4, 8, 8, 8]", "dims = [4, 4, 4, 4, 4]");
    assert_ne!(text, changed);
    fs::write(bench.path("changed.toml"), changed).expect("writable");
    let mut arguments = bench.all(HOSTILE, "out", &more);
    let suite = arguments.iter().position(|argument| argument.ends_with("micro.toml")).expect("a suite");
    arguments[suite] = "./changed.toml".into();
    let said = bench.run(&arguments).ended_with(0);
    assert_eq!(said.err.matches("done before, kept").count(), 2, "{}", said.err);
    assert_eq!(bench.results("out").len(), 4, "seed 1 was added");
}

#[test]
fn a_variant_is_a_row_with_the_methods_configuration_and_its_own_on_top() {
    let bench = Bench::new();
    let micro = fs::read_to_string(bench::fixture("suites/micro.toml")).expect("readable");
    let variants = "[variants]\njepa-ema = \"jepa\"\n\n[methods.jepa-ema]\ntarget = \"ema\"\n\n[methods.jepa]";
    fs::write(bench.path("suite.toml"), micro.replace("[methods.jepa]", variants)).expect("writable");
    let crate_of_jepa = root().join("plugins/jepa").display().to_string();
    let arguments = ["all", "--data", "data", "--out", "out", "--suite", "./suite.toml", "--plugins", &crate_of_jepa];
    let more = ["--methods", "jepa-ema,jepa", "--set", "jepa.training.lr=2e-3", "--set", "jepa-ema.ema_decay=0.5"];
    let said = bench.run(arguments.iter().chain(&more)).ended_with(0);
    assert!(said.out.contains("jepa-ema (random init)"), "{}", said.out);
    let config = |method: &str| {
        let cells = bench.find(&format!("out/cells/shear_flow/{method}"), "cell.json");
        bench::read_json(cells.values().next().expect("a cell"))["encoder"]["config"].clone()
    };
    let (own, variant) = (config("jepa"), config("jepa-ema"));
    assert_eq!(own["training"], variant["training"]);
    assert_eq!(own["dims"], variant["dims"]);
    assert!(own["target"].is_null() && own["ema_decay"].is_null(), "{own}");
    assert_eq!((&variant["target"], &variant["ema_decay"]), (&"ema".into(), &0.5.into()));

    let said = bench.run(arguments.iter().chain(&["--methods", "nobody"])).ended_with(2);
    assert!(said.err.contains("jepa, jepa-ema"), "{}", said.err);
}
