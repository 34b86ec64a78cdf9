//! What becomes of such a row in a run.

use super::{export, moments, moments_of, read_npy, score, write_embeddings};
use crate::support::{Array, JEPA, Output, Suite, TestProject, micro_run, python, read_json, root, write_sealed};

/// A project with the finished run `out`, whose row of embeddings made elsewhere is better than every other encoder.
fn project() -> TestProject {
    let project = TestProject::new();
    project.copy(micro_run(0), "out");
    write_embeddings(&project.path("shear_flow.safetensors"), &export().identifiers, &moments());
    score(&project, &["shear_flow.safetensors"], &["--about", "moments, trained on nothing"]).exits_with(0);
    project
}

/// The lines of a Markdown table.
fn table<'t>(text: &'t str, title: &str) -> Vec<&'t str> {
    let table = text.split("## ").find(|table| table.starts_with(title)).unwrap_or_else(|| panic!("{title}: {text}"));
    table.lines().filter(|line| line.starts_with("| ")).skip(2).collect()
}

#[test]
fn the_row_is_marked_and_changes_nothing_of_the_others() {
    let project = project();
    let markdown = |run: &str| project.run(["table", run, "--format", "markdown"]).exits_with(0).out;
    let (with, without) = (markdown("out"), markdown(&micro_run(0).display().to_string()));
    for title in ["shear_flow, frozen encoders", "shear_flow, frozen encoders, by parameter"] {
        let (rows, before) = (table(&with, title), table(&without, title));
        let others: Vec<&&str> = rows.iter().filter(|line| !line.contains("(elsewhere)")).collect();
        assert_eq!(others, before.iter().collect::<Vec<_>>(), "{title}");
        let own: Vec<&&str> = rows.iter().filter(|line| line.contains("(elsewhere)")).collect();
        assert!(!own.is_empty() && own.iter().all(|line| !line.contains("**") && !line.contains("<u>")), "{own:?}");
    }
    let rows = table(&with, "shear_flow, frozen encoders (");
    let place = |name: &str| rows.iter().position(|line| line.starts_with(&format!("| {name}"))).expect(name);
    assert!(place("jepa") < place("dinov2 (elsewhere) [") && place("dinov2") < place("features"), "{rows:?}");
    let note = "embeddings made elsewhere, outside the suite's budget, and therefore neither ranked nor compared: moments, trained on nothing";
    assert!(with.contains(note), "{with}");
    let by_parameter = table(&with, "shear_flow, frozen encoders, by parameter");
    let own = by_parameter.iter().filter(|line| line.contains("(elsewhere)"));
    assert!(own.clone().count() == 4 && own.clone().all(|line| line.ends_with("| - |")), "no rank: {by_parameter:?}");
    let pretraining = table(&with, "all systems, frozen encoders, does pretraining help?");
    assert!(pretraining.iter().all(|line| !line.contains("dinov2")), "{pretraining:?}");

    let csv = project.run(["table", "out", "--format", "csv"]).exits_with(0).out;
    assert!(csv.contains("shear_flow,dinov2,elsewhere,0,frozen,attentive"), "{csv}");
    let paper = project.run(["table", "out", "--probe", "ridge", "--format", "csv"]).exits_with(0).out;
    let line = paper.lines().find(|line| line.starts_with("dinov2 (elsewhere)")).expect("a line");
    assert!(line.ends_with(",,"), "neither rank nor significance: {line}");
    project.run(["report", "out"]).exits_with(0);
    let page = std::fs::read_to_string(project.path("out/report/report.html")).expect("a page");
    assert!(page.contains("dinov2 (elsewhere)") && page.contains("neither ranked nor compared"));
}

#[test]
fn other_commands_keep_it() {
    let project = project();
    let all = |more: &[&str]| project.run(project.all(Suite::Micro, JEPA, "out", more)).exits_with(0);
    let rows = || read_json(&project.path("out/run.json")).to_string().matches("\"elsewhere\"").count();
    for more in [&[][..], &["--methods", "mean"], &[]] {
        let output = all(more);
        assert!(output.out.contains("dinov2 (elsewhere)"), "{more:?}: {}", output.out);
        assert_eq!(rows(), 1, "{more:?}");
    }
    let plan =
        project.run(project.all(Suite::Micro, JEPA, "out", &[]).into_iter().map(|argument| match argument.as_str() {
            "all" => "plan".to_owned(),
            _ => argument,
        }));
    let plan = plan.exits_with(0).out;
    let line = plan.lines().find(|line| line.contains("dinov2")).expect("a line");
    assert!(line.contains("elsewhere") && line.contains("done"), "{line}");
    assert!(project.run(["status", "out"]).exits_with(0).out.contains("cells done, 0 failed"));
    let tensorboard = project.run(["tensorboard", "out", "--out", "events"]).exits_with(0);
    assert!(!tensorboard.out.contains("dinov2"), "{}", tensorboard.out);

    let one = micro_run(0).display().to_string();
    let compared = project.run(["compare", "out", "out"]).exits_with(0).out;
    assert!(compared.contains("- dinov2 (elsewhere): embeddings made elsewhere, which are not compared"), "{compared}");
    assert_eq!(compared.matches("dinov2").count(), 1, "{compared}");
    project.run(["merge", "merged", &one, "out", "--compress"]).exits_with(0);
    let table = project.run(["table", "merged"]).exits_with(0).out;
    assert!(table.contains("dinov2 (elsewhere)"), "{table}");

    // Other embeddings take the place of the row's, in this run.
    let mut changed = moments();
    changed.values.iter_mut().step_by(3).for_each(|value| *value += 0.1);
    write_embeddings(&project.path("shear_flow.safetensors"), &export().identifiers, &changed);
    project.copy(&project.path("out"), "before");
    score(&project, &["shear_flow.safetensors"], &[]).exits_with(0);
    assert_eq!(rows(), 1);
    let output = project.run(["merge", "both", "before", "out"]).exits_with(2);
    assert!(output.err.contains("dinov2 (elsewhere) on shear_flow, seed 0"), "{}", output.err);
}

#[test]
fn a_row_of_other_data_or_of_another_suite_is_left_out() {
    let project = project();
    let text = Suite::Micro.text().replace("samples = 24", "samples = 28");
    let arguments = project.all(Suite::Micro, JEPA, "out", &["--methods", "mean"]);
    let output = project.run(project.with_suite(arguments, "micro.toml", &text)).exits_with(3);
    let left_out = "left out: dinov2 (elsewhere) on shear_flow, seed 0: its windows were of another suite";
    assert!(output.err.contains(left_out) && !output.out.contains("dinov2"), "{}{}", output.out, output.err);
    let output = score(&project, &["shear_flow.safetensors"], &[]).exits_with(2);
    assert!(output.err.contains("of suites that differ"), "{}", output.err);
}

#[test]
fn one_command_scores_a_row_on_several_systems() {
    let project = TestProject::new();
    let [suite, data] = [Suite::Pair.path(), Suite::Pair.data().to_owned()].map(|path| path.display().to_string());
    let of_pair = ["--suite", &suite, "--data", &data];
    project.run(["export-windows", "--out", "windows"].iter().chain(&of_pair)).exits_with(0);
    let files = ["shear_flow.safetensors", "active_matter.safetensors"];
    for file in files {
        let folder = project.path("windows").join(file.trim_end_matches(".safetensors"));
        let (_, identifiers) = read_npy(&folder.join("identifiers.npy"), i64::from_le_bytes);
        let (shape, values) = read_npy(&folder.join("clips.npy"), f32::from_le_bytes);
        write_embeddings(&project.path(file), &identifiers, &moments_of(&Array { shape, values }));
    }
    let named = ["--name", "dinov2", "--out", "out"];
    let output = project.run(["score"].iter().chain(&files).chain(&of_pair).chain(&named)).exits_with(0);
    let summary = output.out.split("all systems").last().expect("a summary");
    assert!(summary.contains("dinov2 (elsewhere)"), "the run needs no other row: {}", output.out);
    // A selection of systems does not lose the row of another one, nor a selection of methods.
    let more = ["--systems", "shear_flow", "--methods", "mean"];
    project.run(project.all(Suite::Pair, JEPA, "out", &more)).exits_with(0);
    assert_eq!(read_json(&project.path("out/run.json")).to_string().matches("\"elsewhere\"").count(), 2);
    // The other system's clips are not this system's.
    let swapped = ["shear_flow=active_matter.safetensors"];
    let output = project.run(["score"].iter().chain(&swapped).chain(&of_pair).chain(&named)).exits_with(1);
    assert!(output.err.contains("are of no window of shear_flow"), "{}", output.err);
}

#[test]
fn a_record_is_verified_with_the_embeddings_beside_it() {
    let project = project();
    let (_, record) =
        project.find("out/cells/shear_flow/dinov2-elsewhere", "result.json").pop_first().expect("a record");
    let (data, plugins) = (Suite::Micro.data().display().to_string(), JEPA.argument());
    let verify = || {
        let path = record.display().to_string();
        project.run(["verify-result", &path, "--data", &data, "--plugins", &plugins, "--threads", "1"])
    };
    let output = verify().exits_with(0);
    assert!(output.out.contains("verified") && output.out.contains("MSE is 0.000e0"), "{}", output.out);
    if let Some(mut python) = python("numpy, sklearn") {
        let command = python.env("OPENBLAS_NUM_THREADS", "1").arg(root().join("docs/recompute.py"));
        let output: Output = command.arg(project.path("out")).output().expect("python runs").into();
        let output = output.exits_with(0);
        assert!(output.out.contains("5 of 5 cells"), "{}", output.out);
    }

    let mut claim = read_json(&record);
    claim["external"] = false.into();
    write_sealed(&record, &claim);
    let output = project.run(["table", "out"]).exits_with(1);
    assert!(output.err.contains("`external` is false and `initialisation` is elsewhere"), "{}", output.err);
    claim["external"] = true.into();
    write_sealed(&record, &claim);
    std::fs::remove_file(record.with_file_name("embeddings.safetensors")).expect("removable");
    let output = verify().exits_with(1);
    assert!(output.err.contains("were made elsewhere") && output.err.contains("physrep-bench score"), "{}", output.err);
}
