//! `all` from nothing to a table, and again.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::support::{HOSTILE, JEPA, Suite, TestProject, read_json, replace_option};

#[test]
fn all_goes_from_nothing_to_a_table_and_a_second_run_keeps_everything() {
    let project = TestProject::new();
    // With a crate, which the program builds, and data that it generates.
    let crate_folder = JEPA.folder().display().to_string();
    let arguments = project.all(Suite::Micro, JEPA, "out", &[]);
    let arguments = replace_option(replace_option(arguments, "--plugins", &crate_folder), "--data", "data");
    let first = project.run(&arguments).exits_with(0);
    for word in ["shear_flow", "jepa", "random init", "features", "attentive", "mlp", "ridge", "knn", "effective"] {
        assert!(first.out.contains(word), "the table has {word}:\n{}", first.out);
    }
    assert!(first.out.contains("trained end to end with labels"), "{}", first.out);
    let results = project.results("out");
    assert_eq!(results.len(), 4, "jepa, jepa at random initialisation, features, mean");
    let mean = results.iter().find(|result| result["method"] == "mean");
    the_mean_scores_how_far_labels_are_from_it(mean.expect("the floor"));
    costs_are_recorded(&results);
    health_is_recorded(&results);
    random_probes_are_fitted_twice(&results);
    scores_are_in_the_csv_file(&project);

    let before = project.bytes("out", "result.json");
    let again = project.run(&arguments).exits_with(0);
    assert_eq!(again.err.matches("done before, kept").count(), 4, "{}", again.err);
    assert_eq!(before, project.bytes("out", "result.json"), "a second run changes no result");
    assert_eq!(first.out, again.out, "and prints the same table");

    // Only the missing cell is run.
    let (_, lost) = project.find("out", "result.json").pop_first().expect("a result");
    fs::remove_file(&lost).expect("removable");
    let third = project.run(&arguments).exits_with(0);
    assert_eq!(third.err.matches("done before, kept").count(), 3, "{}", third.err);
    assert_eq!(first.out, third.out);
}

#[test]
fn a_run_of_some_methods_keeps_the_rows_of_others_in_the_folder() {
    let project = TestProject::new();
    let run = |more: &[&str]| project.run(project.all(Suite::Micro, HOSTILE, "out", more)).exits_with(0).out;
    let floors = run(&["--methods", "features,mean"]);
    assert!(floors.contains("│ features") && !floors.contains("hostile"), "{floors}");
    let both = run(&["--methods", "hostile"]);
    for row in ["hostile", "hostile (random init)", "features", "mean"] {
        assert!(both.contains(&format!("│ {row} ")), "{row}: {both}");
    }
    // A row that is computed anew replaces the one of that name, whatever its configuration was.
    let slow = run(&["--methods", "hostile", "--set", "hostile.slow=1"]);
    assert_eq!(slow.matches("│ hostile (random init) ").count(), both.matches("│ hostile (random init) ").count());
    // Another suite of that name is no basis for comparison.
    let other = Suite::Micro.text().replace("noise = 0.1", "noise = 0.2");
    let arguments = project.all(Suite::Micro, HOSTILE, "out", &["--methods", "mean"]);
    let other = project.run(project.with_suite(arguments, "other.toml", &other)).exits_with(0).out;
    assert!(!other.contains("hostile") && !other.contains("features"), "{other}");
}

/// It is 1 up to the chance of a few draws: labels are scaled by the distribution that parameters are drawn from.
fn the_mean_scores_how_far_labels_are_from_it(result: &Value) {
    let numbers = |value: &Value| -> Vec<f64> { serde_json::from_value(value.clone()).expect("numbers") };
    let scores = result["scores"].as_array().expect("scores");
    let score =
        scores.iter().find(|score| score["split"] == "test" && score["label_fraction"] == 1.0).expect("a score");
    let mut errors = Vec::new();
    for (index, parameter) in score["parameters"].as_array().expect("parameters").iter().enumerate() {
        let (predicted, labels) =
            (numbers(&parameter["predicted"]), numbers(&result["splits"]["test"]["labels"][index]));
        assert!(labels.len() == 4 && predicted == [predicted[0]; 4], "{predicted:?} for {labels:?}");
        let squares = labels.iter().map(|label| (label - predicted[0]).powi(2));
        errors.push(squares.sum::<f64>() / 4.0);
        let recorded = parameter["mse"].as_f64().expect("a number");
        assert!((recorded - errors[index]).abs() < 1e-6, "{recorded}, not {}", errors[index]);
    }
    let recorded = score["mean"]["mse"].as_f64().expect("a number");
    assert!((recorded - (errors[0] + errors[1]) / 2.0).abs() < 1e-6, "{recorded}, not the mean of {errors:?}");
    assert!((recorded - 1.0).abs() < 0.2, "{recorded}");
}

fn costs_are_recorded(results: &[Value]) {
    for result in results {
        let environment = &result["environment"];
        for key in ["git_revision", "rustc", "cpu", "data_checksum", "finished"] {
            assert!(environment[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {environment}");
        }
        assert!(result["cost"]["peak_memory_mib"].as_u64().is_some_and(|mib| mib > 0));
        // A phase that did not take place cost nothing.
        let encoded = result["method"] != "mean";
        assert_eq!(result["cost"]["encode"]["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), encoded);
    }
    let pretrained = results.iter().find(|r| r["initialisation"] == "pretrained").expect("a pretrained row");
    let random = results.iter().find(|r| r["initialisation"] == "random").expect("a random row");
    assert_eq!(pretrained["cost"]["pretrain"]["samples"], 24);
    assert_eq!(random["cost"]["pretrain"]["samples"], 0);
    // Where the system can measure the memory of one phase, it does so for all, and none exceeds the worker's.
    let cost = &pretrained["cost"];
    let peaks = ["pretrain", "encode", "probe", "end_to_end"].map(|phase| cost[phase]["peak_memory_mib"].as_u64());
    assert!(peaks.iter().all(|peak| peak.is_some() == peaks[0].is_some()), "{cost}");
    assert!(peaks.iter().flatten().all(|&mib| mib > 0 && Some(mib) <= cost["peak_memory_mib"].as_u64()), "{cost}");
    assert_ne!(pretrained["encoder"]["checksum"], random["encoder"]["checksum"], "pretraining changes the encoder");

    for result in [pretrained, random] {
        let choices = result["selections"].as_array().expect("selections");
        let epochs = &choices.iter().find(|choice| choice["track"] == "end-to-end").expect("a choice")["record"];
        assert_eq!(epochs["valid"].as_array().map(Vec::len), Some(2), "{epochs}");
        assert_eq!(result["cost"]["end_to_end"]["samples"], 32);
    }
}

fn health_is_recorded(results: &[Value]) {
    for result in results {
        let (health, has) = (&result["health"], result["method"] != "mean");
        assert_eq!(health.is_object(), has, "{health}");
        if has {
            assert!(health["spread"]["effective_rank"].as_f64().is_some_and(|rank| rank > 1.0), "{health}");
            assert_eq!(health["label_permutation"]["r2"].as_array().map(Vec::len), Some(39), "{health}");
        }
        if result["encoder"].is_object() {
            assert_eq!(health["encoder_unchanged"], true);
            let encoding = &health["encoding"];
            assert_eq!(encoding["repeatable"], true, "{encoding}");
            for company in ["alone", "in_other_company"] {
                assert!(encoding[company].as_f64().is_some_and(|difference| difference < 1e-3), "{encoding}");
            }
            let gradient = &health["gradient"];
            let watched = (result["initialisation"] == "pretrained").then_some(6);
            assert_eq!(gradient["steps"].as_u64(), watched, "{gradient}");
            assert_eq!(gradient["tensors_without_gradient"].as_u64(), watched.map(|_| 0), "{gradient}");
        }
    }
}

fn random_probes_are_fitted_twice(results: &[Value]) {
    let scores = results.iter().flat_map(|result| result["scores"].as_array().expect("scores"));
    for score in scores {
        let fits = if score["track"] == "frozen" && ["attentive", "mlp"].map(Value::from).contains(&score["probe"]) {
            2
        } else {
            0
        };
        let errors: Vec<f64> =
            score["fits"].as_array().into_iter().flatten().map(|fit| fit.as_f64().expect("a number")).collect();
        assert_eq!(errors.len(), fits, "{score}");
        if let [one, other] = errors[..] {
            let mean = score["mean"]["mse"].as_f64().expect("a number");
            assert!(one != other && (mean - (one + other) / 2.0).abs() < 1e-9, "{mean} of {errors:?}");
        }
    }
}

/// One row per method, initialisation, track, probe, label fraction, split or regime, and parameter or mean.
fn scores_are_in_the_csv_file(project: &TestProject) {
    let csv = fs::read_to_string(project.path("out/scores.csv")).expect("scores.csv");
    let header = "suite,suite_version,draw,system,method,initialisation,seed,track,probe,label_fraction,split,regime,parameter,mse,r2,\
                  trajectory_mse,trajectory_r2,fits_std";
    assert_eq!(csv.lines().next(), Some(header));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().collect::<Result<_, _>>().expect("rows");
    let probes = (2 * 4 + 2) * 2 + 2;
    for (split, regime) in [
        ("valid", ""),
        ("test", ""),
        ("held_out", "interpolation"),
        ("held_out", "near_extrapolation"),
        ("held_out", "far_extrapolation"),
    ] {
        let of = rows.iter().filter(|row| row["split"] == split && row["regime"] == regime);
        assert_eq!(of.count(), probes * 3, "{split} {regime}: probes x label fractions, end to end; parameters");
    }
    assert_eq!(rows.len(), 5 * probes * 3);
    let markdown = fs::read_to_string(project.path("out/table.md")).expect("table.md");
    assert!(markdown.contains("| method"), "{markdown}");
}

#[test]
fn a_cell_is_kept_when_only_other_seeds_or_other_methods_change() {
    let project = TestProject::new();
    let arguments = project.all(Suite::Micro, HOSTILE, "out", &["--methods", "features,mean"]);
    project.run(&arguments).exits_with(0);
    let text = Suite::Micro.text();
    let changed =
        text.replace("seeds = [0]", "seeds = [0, 1]").replace("dims = [4, 4, 8, 8, 8]", "dims = [4, 4, 4, 4, 4]");
    assert_ne!(text, changed);
    let output = project.run(project.with_suite(arguments, "changed.toml", &changed)).exits_with(0);
    assert_eq!(output.err.matches("done before, kept").count(), 2, "{}", output.err);
    assert_eq!(project.results("out").len(), 4, "seed 1 was added");
}

#[test]
fn a_variant_is_a_row_with_the_methods_configuration_and_its_own_on_top() {
    let project = TestProject::new();
    let variants = "[variants]\njepa-ema = \"jepa\"\n\n[methods.jepa-ema]\ntarget = \"ema\"\n\n[methods.jepa]";
    let text = Suite::Micro.text().replace("[methods.jepa]", variants);
    let arguments =
        |more: &[&str]| project.with_suite(project.all(Suite::Micro, JEPA, "out", more), "suite.toml", &text);
    let more = ["--methods", "jepa-ema,jepa", "--set", "jepa.training.lr=2e-3", "--set", "jepa-ema.ema_decay=0.5"];
    let output = project.run(arguments(&more)).exits_with(0);
    assert!(output.out.contains("jepa-ema (random init)"), "{}", output.out);
    let config = |method: &str| {
        let cells = project.find(format!("out/cells/shear_flow/{method}"), "cell.json");
        read_json(cells.values().next().expect("a cell"))["encoder"]["config"].clone()
    };
    let (own, variant) = (config("jepa"), config("jepa-ema"));
    assert_eq!(own["training"], variant["training"]);
    assert_eq!(own["dims"], variant["dims"]);
    assert!(own["target"].is_null() && own["ema_decay"].is_null(), "{own}");
    assert_eq!((&variant["target"], &variant["ema_decay"]), (&"ema".into(), &0.5.into()));

    let output = project.run(arguments(&["--methods", "nobody"])).exits_with(2);
    assert!(output.err.contains("jepa, jepa-ema"), "{}", output.err);
}
