//! Ranks, significance, and rows of the same encoder.

use physrep_records::{Initialisation::*, RunCell, Track};

use super::run::{cell, edited, errors, on, run, score};
use crate::{Leaderboard, Note, Row, Significance};

/// The rank and the significance of each row by the ridge probe.
fn ranks(rows: &[Row<'_>]) -> Vec<(Option<f64>, Significance)> {
    let scores = rows.iter().filter_map(|row| row.scores.first());
    scores.map(|score| (score.rank, score.significance)).collect()
}

/// The cell with the encoder of another one.
fn with_encoder_of(other: &RunCell, cell: RunCell) -> RunCell {
    let encoder = other.record().expect("a record").encoder.clone();
    edited(cell, |record| record.encoder = encoder)
}

#[test]
fn the_best_is_marked_and_so_are_those_that_are_not_significantly_different() {
    let noisy = |cell| {
        // As often better than the best as worse, by far.
        let errors: Vec<f32> =
            errors(0.22).iter().enumerate().map(|(t, e)| if t % 2 == 0 { e + 0.15 } else { e - 0.15 }).collect();
        edited(cell, |record| record.scores = vec![score("ridge", 1.0, &errors)])
    };
    let results = run(vec![
        cell("jepa", Pretrained, 0, 0.2),
        noisy(cell("mpp", Pretrained, 0, 0.0)),
        cell("disco", Pretrained, 0, 0.6),
        cell("features", None, 0, 0.1),
    ]);
    let leaderboard = Leaderboard::of(&results).expect("cells");
    let expected = [
        (Some(1.0), Significance::Best),
        (Some(2.0), Significance::Tied),
        (Some(3.0), Significance::Worse),
        (Option::None, Significance::Unranked),
    ];
    assert_eq!(ranks(&leaderboard.systems[0].rows), expected, "a floor takes no part, however good it is");
}

#[test]
fn rows_of_the_same_encoder_count_once_and_share_a_rank() {
    let jepa = cell("jepa", Random, 0, 0.5);
    let autoencoder = with_encoder_of(&jepa, cell("autoencoder", Random, 0, 0.5));
    let results = run(vec![cell("disco", Pretrained, 0, 0.2), jepa, autoencoder, cell("mpp", Pretrained, 0, 0.9)]);
    let rows = &Leaderboard::of(&results).expect("cells").systems[0].rows;
    let places: Vec<Option<f64>> = ranks(rows).into_iter().map(|(rank, _)| rank).collect();
    assert_eq!(places, [Some(1.0), Some(2.0), Some(2.0), Some(3.0)]);
    assert!(rows[1].notes.is_empty(), "{:?}", rows[1].notes);
    assert_eq!(rows[2].notes, [Note::SameEncoder { other: "jepa (random init)".into() }]);
}

#[test]
fn the_same_encoder_is_the_best_in_all_of_its_rows() {
    let jepa = cell("jepa", Random, 0, 0.1);
    let autoencoder = with_encoder_of(&jepa, cell("autoencoder", Random, 0, 0.1));
    let results = run(vec![jepa, autoencoder, cell("mpp", Pretrained, 0, 0.9)]);
    let leaderboard = Leaderboard::of(&results).expect("cells");
    let expected = [(Some(1.0), Significance::Best), (Some(1.0), Significance::Best), (Some(2.0), Significance::Worse)];
    assert_eq!(ranks(&leaderboard.systems[0].rows), expected);
}

#[test]
fn equal_scores_of_different_encoders_and_different_scores_of_one_count_each() {
    let equal = [cell("jepa", Random, 0, 0.5), cell("mpp", Random, 0, 0.5)];
    let jepa = cell("jepa", Random, 0, 0.5);
    let differ = [with_encoder_of(&jepa, cell("mpp", Random, 0, 0.7)), jepa.clone()];
    // With a seed that only one of them has, the rows are not the same either.
    let seeds = [jepa.clone(), with_encoder_of(&jepa, cell("mpp", Random, 1, 0.5))];
    let cases = [(equal, [1.5, 1.5]), (differ, [2.0, 1.0]), (seeds, [1.5, 1.5])];
    for (cells, expected) in cases {
        let results = run(cells.to_vec());
        let rows = &Leaderboard::of(&results).expect("cells").systems[0].rows;
        assert_eq!(ranks(rows).into_iter().map(|(rank, _)| rank).collect::<Vec<_>>(), expected.map(Some));
        let same = |note: &Note| matches!(note, Note::SameEncoder { .. });
        assert!(!rows.iter().flat_map(|row| &row.notes).any(same), "{expected:?}");
    }
}

#[test]
fn the_mean_rank_counts_the_same_encoder_once() {
    let on_both = |cells: [RunCell; 3]| cells.clone().into_iter().chain(cells.map(|cell| on("active_matter", cell)));
    let jepa = cell("jepa", Random, 0, 0.2);
    let autoencoder = with_encoder_of(&jepa, cell("autoencoder", Random, 0, 0.2));
    let results = run(on_both([jepa, autoencoder, cell("mpp", Pretrained, 0, 0.9)]).collect());
    let table = crate::Form::Markdown.render(&results).expect("Markdown");
    let summary = table.split("## all systems").nth(1).expect("a summary");
    for line in ["| jepa (random init) | **", "| autoencoder (random init) [1, 2] | **", "| mpp | "] {
        assert!(summary.contains(line), "{line}: {summary}");
    }
    let mean_rank = |name: &str| {
        let line = summary.lines().find(|line| line.starts_with(&format!("| {name}"))).expect("a line");
        line.trim_end_matches(" |").rsplit(' ').next().expect("a rank").to_owned()
    };
    assert_eq!(["jepa", "autoencoder", "mpp"].map(mean_rank), ["1.0", "1.0", "2.0"]);
    assert!(summary.contains("[1] shear\\_flow: the same encoder as jepa (random init)"), "{summary}");
}

#[test]
fn one_seed_has_a_bootstrap_interval_and_several_a_t_interval() {
    let score = |cells: Vec<RunCell>| {
        let results = run(cells);
        let leaderboard = Leaderboard::of(&results).expect("cells");
        leaderboard.systems[0].rows[0].score(Track::Frozen, "ridge").expect("a score").interval
    };
    let one = score(vec![cell("jepa", Pretrained, 0, 0.2)]).expect("over trajectories");
    let expected = |e: f32| (0.18..0.22).contains(&f64::from(e));
    assert!(expected(one.low as f32) && expected(one.high as f32), "{one:?}");
    let two = score(vec![cell("jepa", Pretrained, 0, 0.2), cell("jepa", Pretrained, 1, 0.3)]).expect("over seeds");
    // Student's quantile for one degree of freedom times the standard error.
    assert!((two.half_width() - 12.706 * 0.05).abs() < 1e-3, "{two:?}");
    let same = score(vec![cell("features", None, 0, 0.2), cell("features", None, 1, 0.2)]);
    assert_eq!(same, Option::None, "what no seed changes has no interval");
}
