//! Methods that misbehave: each costs its own cell, and nothing else.

use crate::support::{HOSTILE, Suite, TestProject, read_json};

/// Runs the hostile plugin with a fault and gives the reason in the table. The floors are kept from one fault to the next.
fn failure(project: &TestProject, fault: &str, place: &str) -> String {
    let set = [format!("hostile.fault={fault}"), format!("hostile.place={place}")];
    let more = ["--set", &set[0], "--set", &set[1], "--stall-timeout", "3"];
    let output = project.run(project.all(Suite::Micro, HOSTILE, "out", &more)).exits_with(3);
    assert!(
        output.out.contains("features") && output.out.contains("ridge"),
        "other rows are unharmed:\n{}",
        output.out
    );
    assert!(output.out.contains("hostile [1]"), "the row stays in the table:\n{}", output.out);
    assert!(output.out.contains("[1] seed 0 failed: "), "with the reason:\n{}", output.out);
    let plan = read_json(&project.path("out/run.json"));
    let cells = plan["cells"].as_array().expect("cells").iter().map(|cell| cell["folder"].as_str().expect("a folder"));
    let failures =
        cells.map(|folder| project.path("out").join(folder).join("failure.json")).filter(|path| path.is_file());
    let mut reasons = failures.map(|path| read_json(&path)["reason"].as_str().expect("a reason").to_owned());
    reasons.next().expect("a failure")
}

#[test]
fn a_misbehaving_plugin_costs_its_cell_and_the_reason_is_recorded() {
    let project = TestProject::new();
    let cases = [
        ("panic", "loss", "panicked in pretrain_step: hostile on purpose"),
        ("panic", "new", "panicked in create: hostile on purpose"),
        ("panic", "encode", "panicked in encode: hostile on purpose"),
        ("abort", "loss", "its process died in pretrain (aborted)"),
        ("exit", "loss", "its process died in"),
        ("loop", "loss", "no progress for 3 s in"),
        ("nan", "loss", "the loss is NaN at step 0"),
        ("nan", "encode", "NaN"),
        ("error", "loss", "an error on purpose"),
        ("unused", "loss", "forgotten.weight"),
        ("deaf", "loss", "its process died in pretrain (it closed its pipe to this program; killed)"),
        ("deaf", "encode", "its process died in encode (it closed its pipe to this program; killed)"),
        ("loop", "finetune", "no progress for 3 s in end to end"),
        ("orphan", "loss", "its process died in pretrain (exit status: 0)"),
        ("done", "loss", "its process died in pretrain (exit status: 0)"),
        ("novel", "loss", "long long long [...]"),
        ("batch", "encode", "the embedding of a clip depends on the rest of its batch: encoded alone, it differs by"),
    ];
    for (fault, place, expected) in cases {
        let reason = failure(&project, fault, place);
        assert!(reason.contains(expected), "{fault} in {place}: expected {expected:?} in {reason:?}");
    }
}

#[test]
fn what_a_plugin_prints_is_not_taken_for_the_protocol() {
    let project = TestProject::new();
    for fault in ["print", "flood"] {
        let set = format!("hostile.fault={fault}");
        let more = ["--set", &set, "--methods", "hostile", "--checkpoint-every", "1000"];
        project.run(project.all(Suite::Micro, HOSTILE, fault, &more)).exits_with(0);
    }
}

#[test]
fn an_encoder_that_is_not_repeatable_is_flagged() {
    let project = TestProject::new();
    for (fault, flagged) in [("unsteady", true), ("none", false)] {
        let set = format!("hostile.fault={fault}");
        let more = ["--set", &set, "--set", "hostile.place=encode", "--methods", "hostile"];
        let output = project.run(project.all(Suite::Micro, HOSTILE, fault, &more)).exits_with(0);
        let note = "encoding the same clips twice gives different embeddings (every seed)";
        assert_eq!(output.out.contains(note), flagged, "{fault}:\n{}", output.out);
        for result in project.results(fault) {
            assert_eq!(result["health"]["encoding"]["repeatable"], !flagged, "{}", result["health"]);
        }
    }
}

#[test]
fn an_unknown_key_of_a_configuration_fails_the_cell_and_lists_the_keys() {
    let project = TestProject::new();
    let more = ["--set", "hostile.speed=3", "--methods", "hostile"];
    let output = project.run(project.all(Suite::Micro, HOSTILE, "out", &more)).exits_with(3);
    assert!(output.err.contains("`hostile` has no key `speed`; it has: fault, place, slow"), "{}", output.err);
}
