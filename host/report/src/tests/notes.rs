//! Notes on rows.

use physrep_records::{CellOutcome, CellRecord, Health, Initialisation::*, ProgramFacts, RunCell};
use physrep_statistics::LabelPermutation;

use super::run::{cell, edited, run, with_outcome};
use crate::{Leaderboard, Note, Seeds};

/// The notes on the only row of `cells`.
fn notes(cells: Vec<RunCell>) -> Vec<Note> {
    let results = run(cells);
    let leaderboard = Leaderboard::of(&results).expect("cells");
    let [row] = &leaderboard.systems[0].rows[..] else { panic!("one row") };
    row.notes.clone()
}

fn jepa(seed: u64) -> RunCell {
    cell("jepa", Pretrained, seed, 0.2 + 0.1 * seed as f32)
}

fn unhealthy(cell: RunCell, edit: impl Fn(&mut Health)) -> RunCell {
    edited(cell, |record| edit(record.health.as_mut().expect("health")))
}

#[test]
fn a_healthy_row_has_no_note() {
    assert_eq!(notes(vec![jepa(0), jepa(1)]), []);
}

#[test]
fn cells_without_a_record_are_noted_with_their_reason() {
    let failed = with_outcome(jepa(1), CellOutcome::Failed("the loss is NaN".into()));
    let found = notes(vec![jepa(0), failed, with_outcome(jepa(2), CellOutcome::Missing)]);
    assert_eq!(found, [Note::Failed { seed: 1, reason: "the loss is NaN".into() }, Note::NotRun { seed: 2 }]);
    assert!(found.iter().all(Note::is_missing_cell));
    let text: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(text, ["seed 1 failed: the loss is NaN", "seed 2 was not run"]);
}

#[test]
fn what_casts_doubt_on_scores_is_noted_with_its_seeds() {
    let collapse = |health: &mut Health| health.spread.effective_rank = 1.5;
    let leak = |health: &mut Health| health.label_permutation = LabelPermutation::of(vec![0.2, 0.4]);
    let silent = |health: &mut Health| health.gradient.as_mut().expect("gradient").tensors_without_gradient = 3;
    assert_eq!(notes(vec![unhealthy(jepa(0), collapse)]), [Note::Collapsed { seeds: Seeds::Every }]);
    let some = notes(vec![unhealthy(jepa(0), leak), jepa(1), unhealthy(jepa(2), leak)]);
    assert_eq!(some, [Note::LabelPermutation { seeds: Seeds::Only(vec![0, 2]) }]);
    assert!(some[0].to_string().ends_with("does not contain 0 (seeds 0, 2)"), "{}", some[0]);
    let one = notes(vec![jepa(0), unhealthy(jepa(1), silent)]);
    assert_eq!(one, [Note::NoGradient { seeds: Seeds::Only(vec![1]) }]);
    assert!(one[0].to_string().ends_with("(seed 1)"), "{}", one[0]);
    assert!(!one[0].is_missing_cell());
}

#[test]
fn seeds_of_different_builds_or_data_are_noted() {
    let build = |record: &mut CellRecord| record.encoder.as_mut().expect("facts").plugin_checksum = "other".into();
    let data = |record: &mut CellRecord| record.environment.data_checksum = "other".into();
    assert_eq!(notes(vec![jepa(0), edited(jepa(1), build)]), [Note::DifferentBuilds]);
    assert_eq!(notes(vec![jepa(0), edited(jepa(1), data)]), [Note::DifferentData]);
}

#[test]
fn a_method_in_another_process_is_noted_and_what_it_lacks() {
    let program = |record: &mut CellRecord| {
        let facts = ProgramFacts { command: "python3 method.py".into(), folder_checksum: "0".into() };
        record.encoder.as_mut().expect("facts").program = Some(facts);
    };
    let found = notes(vec![edited(jepa(0), program)]);
    assert_eq!(found, [Note::AnotherProcess { command: "python3 method.py".into() }]);
    assert_eq!(found[0].to_string(), "a method in another process, started by `python3 method.py`");
    let untrained = edited(jepa(0), |record| {
        program(record);
        record.recipe.suite = serde_json::json!({ "finetune": { "epochs": 1 } });
    });
    assert_eq!(notes(vec![untrained])[1..], [Note::NoEndToEnd]);
}

#[test]
fn a_single_seed_is_noted_among_rows_of_several() {
    let results = run(vec![jepa(0), jepa(1), cell("mpp", Pretrained, 0, 0.4)]);
    let leaderboard = Leaderboard::of(&results).expect("cells");
    let rows = &leaderboard.systems[0].rows;
    assert_eq!((rows[0].notes.as_slice(), rows[1].notes.as_slice()), (&[][..], &[Note::SingleSeed][..]));
}
