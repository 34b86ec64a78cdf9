//! `verify-result`.

use std::path::Path;

use crate::support::{JEPA, Suite, TestProject, micro_run};

#[test]
fn a_cell_that_is_run_again_has_the_same_scores_and_an_edited_one_does_not() {
    let project = TestProject::new();
    project.copy(micro_run(0), "out");
    let (plugins, data) = (JEPA.argument(), Suite::Micro.data().display().to_string());
    let verify = |path: &Path| {
        let path = path.display().to_string();
        project.run(["verify-result", &path, "--data", &data, "--plugins", &plugins])
    };
    let records = project.find("out", "result.json").into_values();
    for path in records.filter(|path| !path.to_string_lossy().contains("/mean")) {
        let output = verify(&path).exits_with(0);
        assert!(output.out.contains("verified") && output.out.contains("MSE is 0.000e0"), "{}", output.out);
    }
    let edited = project.edit_first_record("out", |record| {
        let scores = record["scores"].as_array_mut().expect("scores");
        let far = scores.iter_mut().find(|score| score["regime"] == "far_extrapolation");
        far.expect("held-out trajectories")["mean"]["mse"] = 0.001.into();
    });
    let output = verify(&edited).exits_with(1);
    let line = "on held_out (far_extrapolation) with 0.5 of the labels: MSE 0.001 then";
    assert!(output.out.contains("NOT verified") && output.out.contains(line), "{}", output.out);
    assert_eq!(output.out.matches(" then, ").count(), 1, "no other score differs: {}", output.out);
}
