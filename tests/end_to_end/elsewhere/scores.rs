//! What comes back is scored as the embeddings of any method are.

use serde_json::{Value, json};

use super::{export, moments, score, write_embeddings};
use crate::support::{Array, JEPA, Output, TestProject, micro_run, python, read_tensors, write_tensors};

/// The record of the row of embeddings made elsewhere.
fn record(project: &TestProject) -> Value {
    let records = project.results("out");
    records.into_iter().find(|record| record["initialisation"] == "elsewhere").expect("a record")
}

#[test]
fn the_embeddings_of_a_method_have_the_scores_of_that_method() {
    let project = TestProject::new();
    project.copy(micro_run(0), "out");
    write_tensors(&project.path("clips.safetensors"), "input", &export().clips);
    let (_, state) = project.find("out/cells/shear_flow/jepa", "state.safetensors").pop_first().expect("a state");
    let (plugins, state) = (JEPA.argument(), state.display().to_string());
    let files = ["--input", "clips.safetensors", "--output", "jepa.safetensors", "--checkpoint", &state];
    project.run(["encode", "--method", "jepa", "--plugins", &plugins].iter().chain(&files)).exits_with(0);
    let tokens = read_tensors(&project.path("jepa.safetensors"))["embedding"].clone();
    write_embeddings(&project.path("shear_flow.safetensors"), &export().identifiers, &tokens);
    score(&project, &["shear_flow.safetensors"], &["--seed", "0"]).exits_with(0);

    let elsewhere = record(&project);
    let jepa = project
        .results("out")
        .into_iter()
        .find(|record| (&record["method"], &record["initialisation"]) == (&json!("jepa"), &json!("pretrained")));
    let jepa = jepa.expect("a record");
    let frozen = |record: &Value, what: &str| -> Vec<Value> {
        let all = record[what].as_array().expect("a list");
        all.iter().filter(|entry| entry["track"] == "frozen").cloned().collect()
    };
    for what in ["scores", "selections"] {
        assert_eq!(frozen(&elsewhere, what), frozen(&jepa, what), "{what}");
    }
    for key in ["splits", "label_subsets", "parameters"] {
        assert_eq!(elsewhere[key], jepa[key], "{key}");
    }
    for key in ["spread", "label_permutation"] {
        assert_eq!(elsewhere["health"][key], jepa["health"][key], "{key}");
    }
}

#[test]
fn rows_may_come_in_any_order_and_in_either_format() {
    let project = TestProject::new();
    let (tokens, identifiers) = (moments(), &export().identifiers);
    write_embeddings(&project.path("shear_flow.safetensors"), identifiers, &tokens);
    score(&project, &["shear_flow.safetensors"], &[]).exits_with(0);
    let first = record(&project);

    let width = tokens.shape[1] * tokens.shape[2];
    let backwards: Vec<i64> = identifiers.iter().rev().copied().collect();
    let values = tokens.values.chunks_exact(width).rev().flatten().copied().collect();
    let reversed = Array { shape: tokens.shape.clone(), values };
    write_embeddings(&project.path("other.safetensors"), &backwards, &reversed);
    let kept = score(&project, &["shear_flow=other.safetensors"], &[]).exits_with(0);
    assert!(kept.err.contains("dinov2 (elsewhere) on shear_flow, seed 0: done before, kept"), "{}", kept.err);
    assert_eq!(project.results("out").len(), 1, "the same embeddings are the same cell");
    assert_eq!(first["elsewhere"]["tokens"], 2);
}

#[test]
fn numpy_writes_what_is_scored() {
    let Some(mut python) = python("numpy") else { return };
    let project = TestProject::new();
    let script = "
import sys, numpy as np
clips, identifiers = np.load(sys.argv[1] + '/clips.npy', mmap_mode='r'), np.load(sys.argv[1] + '/identifiers.npy')
tokens = np.stack([clips.mean(axis=(2, 3, 4)), clips.std(axis=(2, 3, 4))], axis=1)
np.savez('shear_flow.npz', identifiers=identifiers, tokens=tokens)
np.savez_compressed('compressed.npz', identifiers=identifiers, tokens=tokens)
np.savez('fortran.npz', identifiers=identifiers, tokens=np.asfortranarray(tokens))
np.savez('double.npz', identifiers=identifiers, tokens=tokens.astype('float64'))
np.savez('object.npz', identifiers=identifiers.astype(object), tokens=tokens)
np.savez('unsigned.npz', identifiers=identifiers.astype('uint64'), tokens=tokens)
np.savez('swapped.npz', identifiers=identifiers, tokens=tokens.astype('>f4'))
np.savez('names.npz', tokens=tokens, other=tokens)";
    let folder = export().folder.display().to_string();
    let output: Output =
        python.current_dir(project.path("")).args(["-c", script, &folder]).output().expect("python runs").into();
    output.exits_with(0);
    for (file, expected) in [
        ("compressed", "`identifiers` cannot be read"),
        ("compressed", "write the file with numpy.savez, uncompressed"),
        ("fortran", "numpy.ascontiguousarray"),
        ("double", "`tokens` is of type f64; expected float32, as tokens.astype(\"float32\") gives"),
        ("object", "`identifiers` cannot be read"),
        ("unsigned", "`identifiers` cannot be read"),
        ("swapped", "`tokens` cannot be read"),
        ("names", "has no array `identifiers`; it has: tokens, other"),
    ] {
        let output = score(&project, &[&format!("shear_flow={file}.npz")], &[]).exits_with(1);
        assert!(output.err.contains(expected), "{file}: {}", output.err);
        output.has_one_error_line();
    }
    assert!(!project.path("out/run.json").exists(), "nothing is written of a file that is refused");
    score(&project, &["shear_flow.npz"], &["--about", "moments of the clips"]).exits_with(0);
    let record = record(&project);
    assert_eq!(record["external"], true);
    let facts = &record["elsewhere"];
    assert_eq!(
        (&facts["about"], &facts["tokens"], &facts["dim"]),
        (&json!("moments of the clips"), &json!(2), &json!(4))
    );
    assert_eq!((&record["encoder"], &record["recipe"]["plugin"]), (&Value::Null, &Value::Null));
}
