//! Comparisons of two runs.

use physrep_benchmarks::suite::Suite;
use physrep_records::{Initialisation::*, RunCell, SuiteFacts};

use super::run::{TRAJECTORIES, cell, edited, on, run};
use crate::{Error, Form, compare};

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
fn embeddings_made_elsewhere_are_named_and_not_compared() {
    let with = |mse| run(vec![cell("jepa", Pretrained, 0, 0.4), cell("dinov2", Elsewhere, 0, mse)]);
    let text = compare(&with(0.1), &with(0.2)).expect("comparable");
    assert!(text.contains("- dinov2 (elsewhere): embeddings made elsewhere, which are not compared"), "{text}");
    assert_eq!(text.matches("dinov2").count(), 1, "{text}");
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
    assert!(text.ends_with("stand beside the others after: physrep-bench merge OUT FIRST SECOND\n"), "{text}");
    assert!(!compare(&other, &other).expect("comparable").contains("merge"), "there is none");
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

/// The cell on a draw of suite tiny with the probes of `fits` fits.
fn drawn(cell: RunCell, draw: u64, fits: u64) -> RunCell {
    let mut suite = Suite { draw, ..Suite::load("tiny").expect("a suite") };
    suite.probe.fits = fits;
    let facts = SuiteFacts::of(&suite, &cell.identity.system);
    let cell = RunCell { identity: physrep_records::Identity { suite: facts, ..cell.identity.clone() }, ..cell };
    let identity = cell.identity.clone();
    edited(cell, |record| {
        record.identity = identity;
        record.recipe.suite = serde_json::to_value(&suite).expect("JSON");
        record.environment.data_checksum = format!("data of draw {draw}");
    })
}

#[test]
fn two_draws_are_compared_by_the_intervals_of_both_errors() {
    let published =
        run(vec![drawn(cell("jepa", Pretrained, 0, 0.2), 0, 3), drawn(cell("mpp", Pretrained, 0, 0.5), 0, 3)]);
    let fresh = run(vec![drawn(cell("jepa", Pretrained, 0, 0.21), 7, 3), drawn(cell("mpp", Pretrained, 0, 0.9), 7, 3)]);
    let text = compare(&published, &fresh).expect("comparable");
    assert!(text.contains("shear_flow (suite tiny v5, draws 0 and 7)"), "{text}");
    let line = |name: &str| text.lines().find(|line| line.contains(name)).expect("a line").to_owned();
    let (jepa, mpp) = (line("jepa"), line("mpp"));
    assert!(jepa.contains("0.200 ± ") && jepa.contains("+0.010 ± ") && jepa.contains("within the intervals"), "{jepa}");
    assert!(mpp.contains("+0.400 ± ") && mpp.contains("beyond the intervals"), "{mpp}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("It contains 0 in 1 of 2 rows"), "{text}");
    assert!(!text.contains("the data was"), "other data is what a draw is: {text}");
    // The tables of a run name its draw, too.
    assert!(Form::Markdown.render(&fresh).expect("Markdown").contains("(suite tiny v5, draw 7)"));
}

#[test]
fn two_draws_of_suites_that_differ_otherwise_are_refused() {
    let published = run(vec![drawn(cell("jepa", Pretrained, 0, 0.2), 0, 3)]);
    let edited_suite = run(vec![drawn(cell("jepa", Pretrained, 0, 0.2), 7, 1)]);
    let error = compare(&published, &edited_suite).expect_err("refused").to_string();
    assert!(error.contains("expected two runs of one suite"), "{error}");
    let other_protocol = edited(drawn(cell("jepa", Pretrained, 0, 0.2), 7, 3), |record| {
        record.identity.suite.checksum = "of another protocol".into();
    });
    let other_protocol =
        RunCell { identity: other_protocol.record().expect("a record").identity.clone(), ..other_protocol };
    let error = compare(&published, &run(vec![other_protocol])).expect_err("refused").to_string();
    assert!(error.contains("this version of the protocol"), "{error}");
}

#[test]
fn a_difference_is_corrected_for_all_rows_by_the_same_probe() {
    let names = ["a", "b", "c", "d", "e"];
    let with = |mse: f32, count: usize| run(names[..count].iter().map(|name| cell(name, Pretrained, 0, mse)).collect());
    // On eight trajectories no p-value is below 0.0103: enough for four rows, but not for five.
    let four = compare(&with(0.4, 4), &with(0.2, 4)).expect("comparable");
    let five = compare(&with(0.4, 5), &with(0.2, 5)).expect("comparable");
    assert_eq!(four.matches("better").count(), 4, "{four}");
    assert_eq!(five.matches("not significantly different").count(), 5, "{five}");
}
