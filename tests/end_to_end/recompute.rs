//! `docs/recompute.py`: another program gets the tables of a run from its records and embeddings.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{Output, TestProject, micro_run, python, root};

/// What the script says of a run; `None` without its Python packages.
fn recompute(run: &Path) -> Option<Output> {
    let mut python = python("numpy, sklearn")?;
    // Arrays this small take longer with several threads.
    let command = python.env("OPENBLAS_NUM_THREADS", "1").arg(root().join("docs/recompute.py")).arg(run);
    Some(command.output().expect("python runs").into())
}

/// The score of a probe with all labels on test.
fn score<'r>(record: &'r mut Value, probe: &str) -> &'r mut Value {
    let scores = record["scores"].as_array_mut().expect("scores");
    let found = scores.iter_mut().find(|score| {
        (&score["track"], &score["probe"], &score["label_fraction"], &score["split"])
            == (&json!("frozen"), &json!(probe), &json!(1.0), &json!("test"))
    });
    found.expect("a score")
}

/// What a probe selected first.
fn selection<'r>(record: &'r mut Value, probe: &str) -> &'r mut Value {
    let selections = record["selections"].as_array_mut().expect("selections");
    &mut selections.iter_mut().find(|selection| selection["probe"] == probe).expect("a selection")["record"]
}

fn increase(number: &mut Value) {
    *number = json!(number.as_f64().expect("a number") + 0.01);
}

#[test]
fn a_run_is_recomputed_by_another_program() {
    let Some(output) = recompute(micro_run(0)) else { return };
    let output = output.exits_with(0);
    for compared in
        ["mse", "R2", "fits", "labelled", "epoch", "predicted by ridge", "predicted by knn", "scores.csv", "table.md"]
    {
        assert!(output.out.contains(compared), "{compared}: {}", output.out);
    }
    assert!(!output.out.contains("SKIPPED"), "{}", output.out);
}

#[test]
fn changed_numbers_are_found() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 10] = [
        ("frozen mlp 1.0 test: mse", |record| increase(&mut score(record, "mlp")["parameters"][1]["squared_error"][0])),
        ("frozen attentive 1.0 test: R2", |record| increase(&mut score(record, "attentive")["parameters"][0]["r2"])),
        ("frozen knn 1.0 test: mse by trajectory", |record| {
            increase(&mut score(record, "knn")["parameters"][0]["trajectory_mse"])
        }),
        ("frozen ridge 1.0 test: mean over parameters", |record| increase(&mut score(record, "ridge")["mean"]["mse"])),
        ("frozen mlp 1.0 test: mean over fits", |record| increase(&mut score(record, "mlp")["fits"][1])),
        ("labels", |record| increase(&mut record["splits"]["valid"]["labels"][0][0])),
        ("frozen ridge 1.0 test: predicted by ridge", |record| {
            increase(&mut score(record, "ridge")["parameters"][0]["predicted"][0])
        }),
        ("frozen ridge 0.5: selection", |record| {
            let ridge = selection(record, "ridge");
            ridge["penalty"] = ridge["path"][0][0].clone();
        }),
        ("labelled trajectories", |record| {
            record["label_subsets"][0]["train"].as_array_mut().expect("indices").reverse()
        }),
        ("frozen mlp 0.5: epoch", |record| selection(record, "mlp")["epoch"] = json!(9)),
    ];
    let project = TestProject::new();
    project.copy(micro_run(0), "out");
    project
        .edit_first_record("out/cells/shear_flow/jepa", |record| changes.iter().for_each(|(_, change)| change(record)));
    let Some(output) = recompute(&project.path("out")) else { return };
    let output = output.exits_with(1);
    for (place, _) in changes {
        assert!(output.out.contains(&format!("{place}: found ")), "{place}: {}{}", output.out, output.err);
    }
}

#[test]
fn a_changed_table_is_found() {
    for (file, from, to) in
        [("table.md", "| mean | 1.", "| mean | 2."), ("scores.csv", ",test,,mean,", ",test,,Reynolds,")]
    {
        let project = TestProject::new();
        project.copy(micro_run(0), "out");
        let text = fs::read_to_string(project.path("out").join(file)).expect("a table");
        project.write(format!("out/{file}").as_str(), text.replacen(from, to, 1));
        let Some(output) = recompute(&project.path("out")) else { return };
        let output = output.exits_with(1);
        assert!(output.out.contains(&format!("{file}: ")), "{}{}", output.out, output.err);
    }
}

#[test]
fn without_embeddings_the_records_are_checked_alone() {
    let project = TestProject::new();
    project.copy(micro_run(0), "out");
    for path in project.find("out", "embeddings.safetensors").values() {
        fs::remove_file(path).expect("removable");
    }
    let Some(output) = recompute(&project.path("out")) else { return };
    let output = output.exits_with(0);
    assert!(
        output.out.contains("SKIPPED: ridge and knn of 3 cells") && output.out.contains("table.md"),
        "{}",
        output.out
    );
    let output = recompute(&project.path("nothing")).expect("the packages are there").exits_with(1);
    assert!(output.err.contains("expected the folder of a run"), "{}", output.err);
}
