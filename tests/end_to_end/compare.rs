//! `compare`.

use crate::support::{JEPA, Suite, TestProject, micro_run};

#[test]
fn a_comparison_says_what_changed_and_whether_it_is_significant() {
    let project = TestProject::new();
    let run = |out: &str, more: &[&str]| {
        let more = [&["--threads", "1", "--jobs", "2"], more].concat();
        project.run(project.all(Suite::Micro, JEPA, out, &more)).exits_with(0);
    };
    let one = micro_run(0).display().to_string();
    run("same", &[]);
    run("other", &["--set", "jepa.training.lr=5e-3"]);
    let same = project.run(["compare", &one, "same"]).exits_with(0).out;
    assert!(same.contains("the same") && !same.contains("better") && !same.contains("worse"), "{same}");
    assert!(!same.contains("- jepa"), "nothing changed: {same}");
    let other = project.run(["compare", &one, "other"]).exits_with(0).out;
    assert!(other.contains("the configuration was") && other.contains("0.005"), "{other}");
    let output = project.run(["compare", &one, "nowhere"]).exits_with(2);
    assert!(output.err.contains("run.json"), "{}", output.err);
}
