//! Comparisons of two runs.

use physrep_records::Initialisation::*;

use super::run::{TRAJECTORIES, cell, edited, on, run};
use crate::{Error, compare};

#[test]
fn a_difference_has_its_sign_its_verdict_and_its_possible_causes() {
    let one = run(vec![cell("jepa", Pretrained, 0, 0.4), cell("mpp", Pretrained, 0, 0.3)]);
    let better = edited(cell("jepa", Pretrained, 0, 0.2), |record| {
        record.recipe.config = serde_json::json!({ "lr": 0.005 });
    });
    let other = run(vec![better, cell("mpp", Pretrained, 0, 0.3)]);
    let text = compare(&one, &other).expect("comparable");
    let line = |name: &str| text.lines().find(|line| line.contains(name)).expect("a line").to_owned();
    assert!(line("jepa").contains("-0.200") && line("jepa").contains("better"), "{text}");
    assert!(line("mpp").contains("the same"), "{text}");
    assert!(text.contains("- jepa: the configuration was null, is {\"lr\":0.005}"), "{text}");
    let back = compare(&other, &one).expect("comparable");
    assert!(back.contains("+0.200") && back.contains("worse"), "{back}");
}

#[test]
fn rows_and_systems_of_one_run_only_are_named() {
    let one = run(vec![cell("jepa", Pretrained, 0, 0.4), on("active_matter", cell("jepa", Pretrained, 0, 0.4))]);
    let other = run(vec![cell("mpp", Pretrained, 0, 0.4)]);
    let text = compare(&one, &other).expect("comparable");
    for expected in
        ["- jepa: only in the first run", "- mpp: only in the second run", "active_matter: only in the first run"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn runs_that_cannot_be_paired_are_refused() {
    let one = run(vec![cell("jepa", Pretrained, 0, 0.4)]);
    let suite = edited(cell("jepa", Pretrained, 0, 0.4), |record| record.identity.suite.version = 5);
    let fewer = edited(cell("jepa", Pretrained, 0, 0.4), |record| {
        let test = record.splits.get_mut(&physrep_benchmarks::Split::Test).expect("test");
        test.index = (1..=TRAJECTORIES as u32).collect();
    });
    for (other, expected) in [
        (run(vec![suite]), "expected two runs of one suite"),
        (run(vec![fewer]), "the same test trajectories"),
        (run(Vec::new()), "one of them has none"),
    ] {
        let error = compare(&one, &other).expect_err("refused");
        assert!(matches!(&error, Error::Usage(text) if text.contains(expected)), "{error}");
    }
}
