//! What is derived from the records of a run: tables in every form, merged runs, comparisons, and a cell run again.

mod bench;

use std::{fs, path::Path, process::Command};

use bench::Bench;
use serde_json::Value;

const FLOORS: [&str; 2] = ["--methods", "features,mean"];

/// A run of JEPA and the floors with two seeds, one after the other in runs of their own, and both at once.
fn runs(bench: &Bench) {
    let run = |out: &str, seeds: &str| bench.run(bench.all("plugins/jepa", out, &["--seeds", seeds])).ended_with(0);
    run("zero", "0");
    run("one", "1");
    run("both", "0,1");
}

fn table(bench: &Bench, run: &str, format: &str) -> String {
    bench.run(["table", run, "--format", format]).ended_with(0).out
}

/// The first record that `change` applies to, changed.
fn edit(bench: &Bench, run: &str, change: impl Fn(&mut Value)) {
    let (_, path) = bench.find(run, "result.json").pop_first().expect("a record");
    let mut record = bench::read_json(&path);
    change(&mut record);
    fs::write(&path, record.to_string()).expect("writable");
}

#[test]
fn merged_runs_are_one_run_and_every_form_shows_it() {
    let bench = Bench::new();
    runs(&bench);
    bench.run(["merge", "merged", "zero", "one"]).ended_with(0);
    for format in ["markdown", "csv", "latex", "terminal"] {
        let (merged, whole) = (table(&bench, "merged", format), table(&bench, "both", format));
        // What a cell cost differs from run to run; its scores do not.
        let lines = |text: &str| -> Vec<String> {
            let scores = text.split("cost of embeddings").next().expect("a part");
            scores.lines().map(String::from).collect()
        };
        assert_eq!(lines(&merged), lines(&whole), "{format}");
        assert_eq!(merged, table(&bench, "merged", format), "{format}: the same records give the same bytes");
    }
    assert!(table(&bench, "both", "markdown").contains("± 95 % t interval over seeds"));
    assert!(table(&bench, "zero", "markdown").contains("interval over test trajectories, one seed"));
    // A row of one seed among rows of several says so.
    bench.run(bench.all("plugins/jepa", "two", &["--seeds", "2", "--methods", "jepa"])).ended_with(0);
    bench.run(["merge", "uneven", "zero", "two"]).ended_with(0);
    let uneven = table(&bench, "uneven", "markdown");
    assert!(uneven.contains("| features [1] |") && uneven.contains("[1] one seed alone"), "{uneven}");

    let said = bench.run(["merge", "merged", "zero"]).ended_with(2);
    assert!(said.err.contains("new or empty"), "{}", said.err);

    // A record that is not what the plan says is refused, and so is a plan that mixes versions.
    edit(&bench, "one", |record| record["suite"]["version"] = 2.into());
    let said = bench.run(["table", "one"]).ended_with(1);
    assert!(said.err.contains("another cell than plan.json says"), "{}", said.err);
    let plan = fs::read_to_string(bench.path("zero/plan.json")).expect("a plan");
    fs::write(bench.path("zero/plan.json"), plan.replacen("\"version\": 1", "\"version\": 2", 1)).expect("writable");
    edit(&bench, "zero", |record| record["suite"]["version"] = 2.into());
    let said = bench.run(["table", "zero"]);
    assert!(said.code != Some(0), "{}", said.out);
}

#[test]
fn suites_that_differ_are_not_put_into_one_table() {
    let bench = Bench::new();
    bench.run(bench.all("plugins/jepa", "one", &FLOORS)).ended_with(0);
    let text = fs::read_to_string(bench::fixture("suites/micro.toml")).expect("the suite");
    for (name, from, to) in
        [("version", "version = 1", "version = 2"), ("content", "label_fractions = [0.5, 1]", "label_fractions = [1]")]
    {
        fs::write(bench.path("other.toml"), text.replace(from, to)).expect("writable");
        let other = [
            "all",
            "--suite",
            "./other.toml",
            "--data",
            name,
            "--out",
            name,
            "--methods",
            "features,mean",
            "--seeds",
            "5",
        ];
        bench.run(other).ended_with(0);
        let merged = format!("merged-{name}");
        let said = bench.run(["merge", &merged, "one", name]).ended_with(2);
        assert!(said.err.contains("suites that differ"), "{}", said.err);
        let said = bench.run(["compare", "one", name]).ended_with(2);
        assert!(said.err.contains("one suite"), "{}", said.err);
    }
}

#[test]
fn a_comparison_says_what_changed_and_whether_it_matters() {
    let bench = Bench::new();
    let run = |out: &str, more: &[&str]| {
        bench.run(bench.all("plugins/jepa", out, &[&["--methods", "jepa,mean"], more].concat())).ended_with(0);
    };
    run("one", &[]);
    run("same", &[]);
    run("other", &["--set", "jepa.training.lr=5e-3"]);
    let same = bench.run(["compare", "one", "same"]).ended_with(0).out;
    assert!(same.contains("the same") && !same.contains("better") && !same.contains("worse"), "{same}");
    assert!(!same.contains("- jepa"), "nothing changed: {same}");
    let other = bench.run(["compare", "one", "other"]).ended_with(0).out;
    assert!(other.contains("the configuration was") && other.contains("0.005"), "{other}");
    let said = bench.run(["compare", "one", "nowhere"]).ended_with(2);
    assert!(said.err.contains("plan.json"), "{}", said.err);
}

#[test]
fn a_cell_that_is_run_again_has_the_same_scores_and_one_that_was_edited_does_not() {
    let bench = Bench::new();
    bench.run(bench.all("plugins/jepa", "out", &["--methods", "jepa,features"])).ended_with(0);
    let plugins = bench::root().join("plugins/jepa").display().to_string();
    let verify = |path: &Path| {
        bench.run(["verify-result", &path.display().to_string(), "--data", "data", "--plugins", &plugins])
    };
    for path in bench.find("out", "result.json").values() {
        let said = verify(path).ended_with(0);
        assert!(said.out.contains("verified") && said.out.contains("MSE is 0.000e0"), "{}", said.out);
    }
    edit(&bench, "out", |record| record["readings"][1]["mean"]["mse"] = 0.001.into());
    let (_, path) = bench.find("out", "result.json").pop_first().expect("a record");
    let said = verify(&path).ended_with(1);
    assert!(said.out.contains("NOT verified") && said.out.contains("MSE 0.001 then"), "{}", said.out);
}

#[test]
fn records_follow_the_published_schema_and_broken_ones_are_named() {
    let bench = Bench::new();
    bench.run(bench.all("plugins/jepa", "out", &FLOORS)).ended_with(0);
    let published = fs::read_to_string(bench::root().join("docs/result.schema.json")).expect("the schema");
    let schema: Value = serde_json::from_str(&published).expect("JSON");
    assert_eq!(
        schema,
        physrep_bench::result::json_schema(),
        "regenerate with `physrep-bench schema > docs/result.schema.json`"
    );
    if let Some(mut python) = bench::python("jsonschema") {
        let records = bench.find("out", "result.json");
        let script = "
import json, sys, jsonschema
schema, *records = [json.load(open(path)) for path in sys.argv[1:]]
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
errors = [error.message for record in records for error in validator.iter_errors(record)]
broken = dict(records[0], readings='none')
sys.exit('; '.join(errors) or (0 if list(validator.iter_errors(broken)) else 'a broken record passes'))";
        let said =
            python.args(["-c", script]).arg(bench::root().join("docs/result.schema.json")).args(records.values());
        let said: bench::Said = said.output().expect("python runs").into();
        assert_eq!(said.code, Some(0), "{}", said.err);
    }
    type Change = fn(&mut Value);
    let broken: [(&str, Change); 3] = [
        ("schema 3", |record| record["schema"] = 3.into()),
        ("no number `schema`", |record| *record = Value::Array(vec![])),
        ("docs/result.schema.json", |record| record["readings"] = "none".into()),
    ];
    let (_, path) = bench.find("out", "result.json").pop_first().expect("a record");
    let whole = fs::read(&path).expect("readable");
    for (expected, change) in broken {
        edit(&bench, "out", change);
        let said = bench.run(["table", "out"]).ended_with(1);
        assert!(said.err.contains(expected), "{expected}: {}", said.err);
        fs::write(&path, &whole).expect("writable");
    }
    fs::write(&path, &whole[..whole.len() / 2]).expect("writable");
    let said = bench.run(["table", "out"]).ended_with(1);
    assert!(said.err.contains("result.json"), "{}", said.err);
}

#[test]
fn pandas_reads_the_scores_in_one_line() {
    let bench = Bench::new();
    bench.run(bench.all("plugins/jepa", "out", &FLOORS)).ended_with(0);
    let Some(mut python) = bench::python("pandas") else { return };
    let script = "
import pandas, sys
scores = pandas.read_csv(sys.argv[1])
of = scores.query('split == \"test\" and parameter == \"mean\" and label_fraction == 1').set_index('method').mse
assert scores.mse.dtype == 'float64' and scores.seed.dtype == 'int64', scores.dtypes
assert not scores.drop(columns=['r2', 'trajectory_r2']).isna().any().any()
print(of['mean'])";
    let said: bench::Said =
        python.args(["-c", script]).arg(bench.path("out/scores.csv")).output().expect("python runs").into();
    assert_eq!((said.code, said.out.trim()), (Some(0), "1.0"), "{}", said.err);
}

#[test]
fn tensorboard_reads_the_curves() {
    let bench = Bench::new();
    let runs = ["zero", "one"];
    for (run, seed) in runs.iter().zip(["0", "1"]) {
        bench.run(bench.all("plugins/jepa", run, &["--methods", "jepa", "--seeds", seed])).ended_with(0);
    }
    bench.run(["merge", "out", "zero", "one"]).ended_with(0);
    let said = bench.run(["tensorboard", "out"]).ended_with(0);
    assert!(said.out.contains("2 event files"), "{}", said.out);
    let said = bench.run(["tensorboard", "nowhere"]).ended_with(2);
    assert!(said.err.contains("plan.json"), "{}", said.err);

    let Some(mut python) = bench::python("tensorboard") else { return };
    // What TensorBoard itself reads, against the lines of the curves.
    let script = "
import json, math, pathlib, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
out = pathlib.Path(sys.argv[1])
for lines in out.glob('cells/**/curves.jsonl'):
    expected = [json.loads(line) for line in lines.open()]
    events = EventAccumulator(str(out / 'tensorboard' / lines.parent.relative_to(out / 'cells')))
    events.Reload()
    names = {name for line in expected for name in line} - {'step'}
    assert set(events.Tags()['scalars']) == names, events.Tags()
    for name in names:
        found = [(event.step, event.value) for event in events.Scalars(name)]
        wanted = [(line['step'], line[name]) for line in expected if name in line]
        assert len(found) == len(wanted) > 0, name
        assert all(a == c and math.isclose(b, d, rel_tol=1e-6) for (a, b), (c, d) in zip(found, wanted)), name
    print('read')";
    let said: bench::Said = python.args(["-c", script]).arg(bench.path("out")).output().expect("python runs").into();
    assert_eq!((said.code, said.out.matches("read").count()), (Some(0), 2), "{}", said.err);
}

#[test]
fn the_latex_document_compiles() {
    let bench = Bench::new();
    // A failure's reason has all that LaTeX takes for its own.
    let more = ["--set", "hostile.fault=panic", "--set", "hostile.place=loss"];
    bench.run(bench.all("tests/plugins/hostile", "out", &more)).ended_with(3);
    let document = fs::read_to_string(bench.path("out/table.tex")).expect("table.tex");
    assert!(document.contains("\\toprule") && document.contains("\\textbf{"), "{document}");
    assert_eq!(document.matches("\\begin{").count(), document.matches("\\end{").count());
    let Ok(said) = Command::new("pdflatex")
        .args(["-interaction=nonstopmode", "-halt-on-error", "table.tex"])
        .current_dir(bench.path("out"))
        .output()
    else {
        println!("SKIPPED: there is no pdflatex");
        return;
    };
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    assert!(bench.path("out/table.pdf").is_file());
}
