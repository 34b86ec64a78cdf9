//! `merge`, and `table` in every form.

use std::{collections::HashMap, fs, process::Command};

use crate::support::{HOSTILE, JEPA, Suite, TestProject, micro_run, replace_option, root};

fn table(project: &TestProject, run: &str, format: &str) -> String {
    project.run(["table", run, "--format", format]).exits_with(0).out
}

#[test]
fn one_table_for_a_paper_has_the_rows_the_names_and_the_label_that_it_asks_for() {
    let project = TestProject::new();
    let published = root().join("results/tiny-v5").display().to_string();
    let table = |more: &[&str]| {
        let arguments = ["table", &published, "--methods", "jepa,videomae,features", "--rename", "jepa=JEPA & co"];
        project.run(arguments.iter().chain(more)).exits_with(0).out
    };
    let latex = table(&["--format", "latex", "--no-random", "--fragment", "--label", "tab:main}"]);
    assert!(latex.starts_with("\\begin{table}[t]") && latex.contains("\\label{tab:main-}"), "{latex}");
    assert!(
        latex.contains("JEPA \\& co & ") && !latex.contains("(random init)") && !latex.contains("disco"),
        "{latex}"
    );
    let document = table(&["--format", "latex", "--systems", "shear_flow"]);
    assert!(document.starts_with("\\documentclass") && document.contains("JEPA \\& co (random init)"), "{document}");
    assert!(!document.contains("active matter"), "{document}");

    // The interval is the one that the table shows, and ranks are those among the rows of the table.
    let csv = table(&["--format", "csv", "--probe", "ridge", "--no-random"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<HashMap<String, String>> = reader.deserialize().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), 9, "three rows on three systems: {csv}");
    let best = rows.iter().find(|row| row["method"] == "videomae" && row["system"] == "shear_flow").expect("a row");
    assert_eq!(
        (best["rank"].as_str(), best["significance"].as_str(), best["probe"].as_str()),
        ("1.0", "best", "ridge")
    );
    let number = |name: &str| -> f64 { best[name].parse().expect("a number") };
    let shown = format!("{:.3} ± {:.3}", number("mse"), (number("high") - number("low")) / 2.0);
    let terminal = table(&["--probe", "ridge", "--no-random"]);
    assert!(terminal.contains(&shown), "{shown} in {terminal}");
    assert!(terminal.contains("JEPA & co"), "{terminal}");

    for (wrong, choices) in [
        (["--methods", "nobody"], "autoencoder, disco, jepa"),
        (["--systems", "weather"], "active_matter, shear_flow"),
        (["--probe", "oracle"], "attentive, mlp, ridge, knn"),
        (["--rename", "nobody=Me"], "autoencoder, disco, jepa"),
    ] {
        let output = project.run(["table", &published].iter().chain(&wrong)).exits_with(2);
        assert!(output.err.contains(choices), "{}", output.err);
        output.has_one_error_line();
    }
}

#[test]
fn merged_runs_are_one_run_in_every_form_of_the_table() {
    let project = TestProject::new();
    for (seed, name) in ["zero", "one"].into_iter().enumerate() {
        project.copy(micro_run(seed), name);
        project.copy(micro_run(seed), "both");
    }
    // One run with both seeds, which keeps the cells that are there.
    let both = project.run(project.all(Suite::Micro, JEPA, "both", &["--seeds", "0,1"])).exits_with(0);
    assert_eq!(both.err.matches("done before, kept").count(), 8, "{}", both.err);
    project.run(["merge", "merged", "zero", "one"]).exits_with(0);
    for format in ["markdown", "csv", "latex", "terminal"] {
        let (merged, whole) = (table(&project, "merged", format), table(&project, "both", format));
        // The cost of a cell differs from run to run; its scores do not.
        let lines = |text: &str| -> Vec<String> {
            let scores = text.split("cost of embeddings").next().expect("a part");
            scores.lines().map(String::from).collect()
        };
        assert_eq!(lines(&merged), lines(&whole), "{format}");
        assert_eq!(merged, table(&project, "merged", format), "{format}: the same records give the same bytes");
    }
    assert!(table(&project, "both", "markdown").contains("± 95 % t interval over seeds"));
    assert!(table(&project, "zero", "markdown").contains("interval over test trajectories, one seed"));
    // A row with one seed among rows with several says so.
    project.run(project.all(Suite::Micro, HOSTILE, "two", &["--seeds", "2", "--methods", "mean"])).exits_with(0);
    project.run(["merge", "uneven", "zero", "two"]).exits_with(0);
    let uneven = table(&project, "uneven", "markdown");
    assert!(uneven.contains("| features [1] |") && uneven.contains("[1] one seed only"), "{uneven}");

    // Published runs have compressed records, of which the tables are the same.
    project.run(["merge", "published", "merged", "--compress"]).exits_with(0);
    assert_eq!(
        (project.find("published", "result.json.gz").len(), project.find("published", "result.json").len()),
        (8, 0)
    );
    assert_eq!(table(&project, "published", "markdown"), table(&project, "merged", "markdown"));
    project.run(["merge", "plain", "published"]).exits_with(0);
    assert!(project.bytes("plain", "result.json") == project.bytes("merged", "result.json"));
    let kept = project.run(project.all(Suite::Micro, JEPA, "published", &["--seeds", "0,1"])).exits_with(0);
    assert_eq!(kept.err.matches("done before, kept").count(), 8, "{}", kept.err);
    let (_, first) = project.find("published", "result.json.gz").pop_first().expect("a record");
    let whole = fs::read(&first).expect("readable");
    fs::write(&first, &whole[..whole.len() / 2]).expect("writable");
    let output = project.run(["table", "published"]).exits_with(1);
    assert!(output.err.contains("result.json.gz"), "{}", output.err);

    let output = project.run(["merge", "merged", "zero"]).exits_with(2);
    assert!(output.err.contains("new or empty"), "{}", output.err);

    // A record that differs from the plan is rejected, and so is a plan that mixes versions.
    project.edit_first_record("one", |record| record["suite"]["version"] = 2.into());
    let output = project.run(["table", "one"]).exits_with(1);
    assert!(output.err.contains("another cell than run.json says"), "{}", output.err);
    let plan = fs::read_to_string(project.path("zero/run.json")).expect("a plan");
    project.write("zero/run.json", plan.replacen("\"version\": 1", "\"version\": 2", 1));
    project.edit_first_record("zero", |record| record["suite"]["version"] = 2.into());
    let output = project.run(["table", "zero"]);
    assert!(output.code != Some(0), "{}", output.out);
}

#[test]
fn suites_that_differ_are_not_merged_or_compared() {
    let project = TestProject::new();
    let floors = ["--methods", "features,mean", "--seeds", "5"];
    let text = Suite::Micro.text();
    for (name, from, to) in
        [("version", "version = 1", "version = 2"), ("content", "label_fractions = [0.5, 1]", "label_fractions = [1]")]
    {
        let changed = text.replace(from, to);
        assert_ne!(text, changed);
        let arguments = project.all(Suite::Micro, HOSTILE, name, &floors);
        let arguments = project.with_suite(arguments, &format!("{name}.toml"), &changed);
        project.run(replace_option(arguments, "--data", &format!("data-{name}"))).exits_with(0);
        let zero = micro_run(0).display().to_string();
        let output = project.run(["merge", &format!("merged-{name}"), &zero, name]).exits_with(2);
        assert!(output.err.contains("suites that differ"), "{}", output.err);
        let output = project.run(["compare", &zero, name]).exits_with(2);
        assert!(output.err.contains("one suite"), "{}", output.err);
    }
}

#[test]
fn two_draws_are_compared_and_not_merged() {
    let project = TestProject::new();
    let fresh = ["--methods", "features,mean", "--draw", "7"];
    let arguments = project.all(Suite::Micro, HOSTILE, "fresh", &fresh);
    project.run(replace_option(arguments, "--data", "data-fresh")).exits_with(0);
    let zero = micro_run(0).display().to_string();
    let output = project.run(["merge", "merged", &zero, "fresh"]).exits_with(2);
    assert!(output.err.contains("draw 7") && output.err.contains("merge the runs of each draw"), "{}", output.err);
    assert!(!project.path("merged").exists(), "nothing is written");
    let output = project.run(["compare", &zero, "fresh"]).exits_with(0);
    assert!(output.out.contains("draws 0 and 7"), "{}", output.out);
    let features = output.out.lines().find(|line| line.contains("features") && line.contains(" the intervals"));
    assert!(features.is_some(), "{}", output.out);
    assert!(table(&project, "fresh", "markdown").contains("draw 7)"));
}

#[test]
fn the_latex_document_compiles() {
    let project = TestProject::new();
    // The reason of a failure has all characters that are special in LaTeX.
    let more = ["--set", "hostile.fault=panic", "--set", "hostile.place=loss"];
    project.run(project.all(Suite::Micro, HOSTILE, "out", &more)).exits_with(3);
    let document = fs::read_to_string(project.path("out/table.tex")).expect("table.tex");
    assert!(document.contains("\\toprule") && document.contains("\\textbf{"), "{document}");
    assert_eq!(document.matches("\\begin{").count(), document.matches("\\end{").count());
    let Ok(output) = Command::new("pdflatex")
        .args(["-interaction=nonstopmode", "-halt-on-error", "table.tex"])
        .current_dir(project.path("out"))
        .output()
    else {
        println!("SKIPPED: there is no pdflatex");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(project.path("out/table.pdf").is_file());
}
