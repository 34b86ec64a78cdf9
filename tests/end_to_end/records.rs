//! Records: the published schema, broken ones, and the scores as a CSV file.

use std::fs;

use serde_json::Value;

use crate::support::{Output, TestProject, files_below, micro_run, python, read_json, root};

#[test]
fn records_follow_the_published_schema() {
    let published = root().join("docs/result.schema.json");
    let printed = TestProject::new().run(["schema"]).exits_with(0).out;
    let printed: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(read_json(&published), printed, "regenerate with `physrep-bench schema > docs/result.schema.json`");

    let Some(mut python) = python("jsonschema") else { return };
    let mut records = files_below(micro_run(0));
    records.retain(|path, _| path.ends_with("result.json"));
    assert_eq!(records.len(), 4);
    let script = "
import json, sys, jsonschema
schema, *records = [json.load(open(path)) for path in sys.argv[1:]]
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
errors = [error.message for record in records for error in validator.iter_errors(record)]
broken = dict(records[0], scores='none')
sys.exit('; '.join(errors) or (0 if list(validator.iter_errors(broken)) else 'a broken record passes'))";
    let command = python.args(["-c", script]).arg(published).args(records.values());
    let output: Output = command.output().expect("python runs").into();
    assert_eq!(output.code, Some(0), "{}", output.err);
}

#[test]
fn broken_records_are_named() {
    let project = TestProject::new();
    project.copy(micro_run(0), "out");
    type Change = fn(&mut Value);
    let broken: [(&str, Change); 3] = [
        ("schema 3", |record| record["schema"] = 3.into()),
        ("no integer `schema`", |record| record["schema"] = Value::Null),
        ("docs/result.schema.json", |record| record["scores"] = "none".into()),
    ];
    let (_, path) = project.find("out", "result.json").pop_first().expect("a record");
    let whole = fs::read(&path).expect("readable");
    for (expected, change) in broken {
        project.edit_first_record("out", change);
        let output = project.run(["table", "out"]).exits_with(1);
        assert!(output.err.contains(expected), "{expected}: {}", output.err);
        fs::write(&path, &whole).expect("writable");
    }
    fs::write(&path, &whole[..whole.len() / 2]).expect("writable");
    let output = project.run(["table", "out"]).exits_with(1);
    assert!(output.err.contains("result.json"), "{}", output.err);
}

#[test]
fn pandas_reads_the_scores_in_one_line() {
    let Some(mut python) = python("pandas") else { return };
    let script = "
import pandas, sys
scores = pandas.read_csv(sys.argv[1])
of = scores.query('split == \"test\" and parameter == \"mean\" and label_fraction == 1').set_index('method').mse
assert scores.mse.dtype == 'float64' and scores.seed.dtype == 'int64', scores.dtypes
assert not scores.drop(columns=['regime', 'r2', 'trajectory_r2', 'fits_std']).isna().any().any()
print(of['mean'])";
    let command = python.args(["-c", script]).arg(micro_run(0).join("scores.csv"));
    let output: Output = command.output().expect("python runs").into();
    assert_eq!(output.code, Some(0), "{}", output.err);
    let records = files_below(&micro_run(0).join("cells/shear_flow/mean")).into_values();
    let record = read_json(&records.into_iter().find(|path| path.ends_with("result.json")).expect("a record"));
    let scores = record["scores"].as_array().expect("scores");
    let score = scores.iter().find(|score| score["split"] == "test" && score["label_fraction"] == 1.0);
    let recorded = score.expect("a score")["mean"]["mse"].as_f64().expect("a number");
    let read: f64 = output.out.trim().parse().expect("a number");
    assert!((read - recorded).abs() < 1e-12, "{read}, not {recorded}");
}
