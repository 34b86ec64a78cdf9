//! The cells of methods in another process: what makes new ones.

use std::fs;

use serde_json::Value;

use super::{Programs, example, program};
use crate::support::read_json;

/// The keys of the cells of a run.
fn keys(programs: &Programs) -> Vec<String> {
    let records = programs.project.results("out");
    let mut keys: Vec<_> = records.iter().map(|record| record["key"].as_str().expect("a key").to_owned()).collect();
    keys.sort();
    keys
}

/// A method without parameters of its encoder was taken for one whose encoder had not changed.
#[test]
fn a_row_without_parameters_says_that_nothing_was_compared() {
    let Some(programs) = Programs::with("numpy") else { return };
    programs.run(&programs.all(&program("nothing"), "out", &["--seeds", "0"]), &[]).exits_with(0);
    let table = fs::read_to_string(programs.project.path("out/table.md")).expect("a table");
    assert!(table.contains("its encoder shows no parameters, so that nothing confirms"), "{table}");
    let record =
        read_json(&programs.project.find("out/cells/shear_flow/nothing", "result.json").pop_first().expect("one").1);
    assert_eq!(record["health"]["encoder_unchanged"], Value::Null);
}

#[test]
fn an_edit_of_the_folder_makes_new_cells_and_nothing_else_does() {
    let Some(programs) = Programs::with("numpy") else { return };
    programs.project.copy(&example("numpy_pca"), "mine");
    let folder = programs.project.path("mine");
    let run = || {
        programs.run(&programs.all(&folder, "out", &["--methods", "numpy-pca"]), &[]).exits_with(0);
        keys(&programs)
    };
    let first = run();
    assert_eq!(first.len(), 2);
    assert_eq!(run(), first, "the same code");
    fs::create_dir(folder.join("__pycache__")).expect("made");
    programs.project.write("mine/__pycache__/method.pyc", "a cache");
    assert_eq!(run(), first, "a cache");
    let code = fs::read_to_string(folder.join("method.py")).expect("readable");
    programs.project.write("mine/method.py", format!("{code}# edited\n"));
    let second = run();
    assert_eq!(second.len(), 4, "old and new cells: {second:?}");
    programs.project.write("mine/helper.py", "");
    assert_eq!(run().len(), 6, "another file");
}

#[test]
fn a_setting_is_checked_against_its_default() {
    let Some(programs) = Programs::with("numpy") else { return };
    let speed = ["--methods", "numpy-pca", "--set", "numpy-pca.speed=3"];
    let output = programs.run(&programs.all(&example("numpy_pca"), "out", &speed), &[]).exits_with(2);
    assert!(output.err.contains("`numpy-pca` has no key `speed`; it has: dim, patch"), "{}", output.err);
    for (setting, expected) in [
        ("numpy-pca.dim=0.5", "`numpy-pca.dim` is 0.5; expected an integer, such as its default 16"),
        ("numpy-pca.dim=100000", "numpy-pca: `dim` is 100000; expected at most 256, the length of a patch"),
        ("numpy-pca.patch=7", "a grid of 16 x 32 points has no patches of 7 x 7"),
    ] {
        let more = ["--methods", "numpy-pca", "--set", setting];
        let output = programs.run(&programs.all(&example("numpy_pca"), "out", &more), &[]).exits_with(3);
        assert!(output.err.contains(expected), "{setting}: {}", output.err);
    }
    let more = ["--methods", "numpy-pca", "--set", "numpy-pca.dim=4"];
    programs.run(&programs.all(&example("numpy_pca"), "out", &more), &[]).exits_with(0);
    assert!(programs.project.results("out").iter().all(|record| record["encoder"]["dim"] == 8));
}

#[test]
fn a_run_in_the_folder_of_a_method_is_refused() {
    let Some(programs) = Programs::with("numpy") else { return };
    programs.project.copy(&example("numpy_pca"), "mine");
    let folder = programs.project.path("mine");
    let output = programs.run(&programs.all(&folder, "mine/out", &["--methods", "numpy-pca"]), &[]).exits_with(3);
    assert!(output.err.contains("is in it, which a method must not read"), "{}", output.err);
}
