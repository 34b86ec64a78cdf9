//! The examples of the package `physrep` stand in the table.

use std::{fs, path::Path};

use super::{Programs, example};
use crate::support::{Suite, replace_option};

/// Runs an example beside the floors, twice. Its rows have scores, footnotes and records, and the same bytes.
fn stands_in_the_table(folder: &str, name: &str, modules: &str, finetunes: bool) {
    let Some(programs) = Programs::with(modules) else { return };
    let methods = format!("{name},features,mean");
    for out in ["out", "again"] {
        let output = programs.run(&programs.all(&example(folder), out, &["--methods", &methods]), &[]).exits_with(0);
        assert!(!output.out.contains("failed"), "{}", output.out);
        let note = "a method in another process, started by `python3 method.py`";
        assert!(output.out.contains(&format!("{name} [1")) && output.out.contains(note), "{}", output.out);
        assert_eq!(output.out.contains("no end-to-end training"), !finetunes, "{}", output.out);
    }
    let project = &programs.project;
    for file in ["state.safetensors", "embeddings.safetensors", "curves.jsonl"] {
        assert!(project.bytes("out", file) == project.bytes("again", file), "equal seeds give equal bytes of {file}");
    }
    assert_eq!(project.scores("out"), project.scores("again"));
    let results = project.results("out");
    let own: Vec<_> = results.iter().filter(|result| result["method"] == name).collect();
    assert_eq!(own.len(), 2, "pretrained, and at random initialisation");
    for record in own {
        assert_eq!(record["encoder"]["program"]["command"], "python3 method.py");
        assert_eq!(record["encoder"]["program"]["folder_checksum"].as_str().map(str::len), Some(64));
        assert!(record["encoder"]["encoder_parameters"].as_u64() > Some(0), "{}", record["encoder"]);
        assert_eq!(record["health"]["encoder_unchanged"], true);
        assert_eq!(record["health"]["encoding"]["repeatable"], true);
        let end_to_end =
            record["scores"].as_array().expect("scores").iter().any(|score| score["track"] == "end-to-end");
        assert_eq!(end_to_end, finetunes);
    }
    let code = fs::read_to_string(example(folder).join("method.py")).expect("readable");
    assert!(code.lines().filter(|line| !line.is_empty()).count() < 80, "an example is short");
}

#[test]
fn a_method_in_numpy_stands_in_the_table() {
    stands_in_the_table("numpy_pca", "numpy-pca", "numpy", false);
}

#[test]
fn a_method_in_jax_stands_in_the_table() {
    stands_in_the_table("jax_autoencoder", "jax-autoencoder", "jax", true);
}

#[test]
fn a_method_in_torch_stands_in_the_table() {
    stands_in_the_table("torch_autoencoder", "torch-autoencoder", "torch", true);
}

#[test]
fn methods_learn_something_on_more_than_one_system() {
    let Some(programs) = Programs::with("numpy") else { return };
    let arguments = programs.all(&example("numpy_pca"), "out", &["--methods", "numpy-pca"]);
    let arguments = replace_option(arguments, "--suite", &Suite::Pair.path().display().to_string());
    let data = Suite::Pair.data().display().to_string();
    programs.run(&replace_option(arguments, "--data", &data), &[]).exits_with(0);
    assert_eq!(programs.project.results("out").len(), 4);
}

#[test]
fn a_folder_of_methods_is_a_source_of_plugins_and_listed_without_running_them() {
    let Some(programs) = Programs::with("numpy") else { return };
    let list = |folder: &Path| {
        let arguments = ["list", "methods", "--plugins", &folder.display().to_string()].map(String::from);
        programs.run(&arguments, &[("FAULT", "exit"), ("PLACE", "hello")]).exits_with(0)
    };
    let examples = list(&example("."));
    for name in ["numpy-pca", "jax-autoencoder", "torch-autoencoder"] {
        assert!(examples.out.contains(name), "{}", examples.out);
    }
    assert!(examples.out.contains(r#"config: {"dim":16,"patch":8}"#), "{}", examples.out);
    programs.project.copy(&example("numpy_pca"), "wrong");
    programs.project.write("wrong/method.toml", "name = \"wrong\"\ncomand = [\"python3\"]\n");
    let wrong = list(&programs.project.path("wrong"));
    assert!(wrong.err.contains("unknown field `comand`") && wrong.err.contains("method.toml"), "{}", wrong.err);
    programs.project.write("wrong/Cargo.toml", "");
    let arguments = ["list", "methods", "--plugins", "wrong"].map(String::from);
    let both = programs.run(&arguments, &[]);
    assert!(both.err.contains("has a Cargo.toml and a method.toml"), "{}", both.err);
}
