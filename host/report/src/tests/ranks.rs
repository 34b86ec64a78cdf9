//! Ranks, significance, and rows of the same encoder.

use physrep_records::{CellOutcome, Initialisation::*, RunCell, Track};

use super::run::{cell, edited, errors, on, run, score, with_outcome};
use crate::{Form, Leaderboard, Row, Significance};

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
fn the_more_encoders_are_compared_the_clearer_a_difference_must_be() {
    let significance = |others: &[&str]| {
        let cells = [cell("jepa", Pretrained, 0, 0.2), cell("disco", Pretrained, 0, 0.6)];
        let results = run(cells.into_iter().chain(others.iter().map(|name| cell(name, Pretrained, 0, 0.7))).collect());
        let leaderboard = Leaderboard::of(&results).expect("cells");
        ranks(&leaderboard.systems[0].rows)[1].1
    };
    // On eight trajectories no p-value is below 0.0103. In a family of four it becomes 0.041, in one of five 0.052.
    assert_eq!(significance(&["a", "b", "c"]), Significance::Worse);
    assert_eq!(significance(&["a", "b", "c", "d"]), Significance::Tied);
}

#[test]
fn embeddings_made_elsewhere_stand_aside_however_good_they_are() {
    // A fifth encoder in the family would make `disco` tied with the best.
    let others = ["a", "b", "c"].map(|name| cell(name, Pretrained, 0, 0.7));
    let mut cells = vec![cell("jepa", Pretrained, 0, 0.2), cell("disco", Pretrained, 0, 0.6)];
    cells.extend(others);
    let without = run(cells.clone());
    cells.push(cell("dinov2", Elsewhere, 0, 0.05));
    let with = run(cells);
    let (without, with) = [&without, &with].map(|results| Leaderboard::of(results).expect("cells")).into();
    let (mut with, without) = (ranks(&with.systems[0].rows), ranks(&without.systems[0].rows));
    assert_eq!(with.pop(), Some((Option::None, Significance::Unranked)));
    assert_eq!(with, without);
    assert_eq!(with[1].1, Significance::Worse);
}

#[test]
fn methods_with_the_same_encoder_are_one_row() {
    let jepa = cell("jepa", Random, 0, 0.5);
    let autoencoder = with_encoder_of(&jepa, cell("autoencoder", Random, 0, 0.5));
    let results = run(vec![autoencoder, cell("disco", Pretrained, 0, 0.2), jepa, cell("mpp", Pretrained, 0, 0.9)]);
    let rows = &Leaderboard::of(&results).expect("cells").systems[0].rows;
    let names: Vec<String> = rows.iter().map(Row::name).collect();
    assert_eq!(names, ["autoencoder, jepa (random init)", "disco", "mpp"]);
    let places: Vec<Option<f64>> = ranks(rows).into_iter().map(|(rank, _)| rank).collect();
    assert_eq!(places, [Some(2.0), Some(1.0), Some(3.0)]);
    assert!(rows[0].is(("jepa", Random)) && rows[0].is(("autoencoder", Random)) && !rows[0].is(("jepa", Pretrained)));
    for form in [Form::Terminal, Form::Markdown, Form::Latex] {
        let tables = form.render(&results).expect("tables");
        assert!(tables.contains("autoencoder, jepa (random init)"), "{tables}");
        assert!(!tables.contains("| jepa") && !tables.contains("\njepa"), "{tables}");
    }
    let csv = Form::Csv.render(&results).expect("CSV");
    assert!(csv.contains("shear_flow,jepa,random") && csv.contains("shear_flow,autoencoder,random"), "{csv}");
}

#[test]
fn an_encoder_that_pretraining_did_not_change_says_so_in_its_name() {
    let random = cell("jepa", Random, 0, 0.5);
    let results = run(vec![with_encoder_of(&random, cell("jepa", Pretrained, 0, 0.5)), random]);
    let rows = &Leaderboard::of(&results).expect("cells").systems[0].rows;
    assert_eq!(rows.iter().map(Row::name).collect::<Vec<_>>(), ["jepa, jepa (random init)"]);
}

#[test]
fn equal_scores_of_different_encoders_and_different_scores_of_one_are_rows_of_their_own() {
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
    }
}

#[test]
fn the_summary_has_one_line_for_methods_that_are_the_same_encoder_on_every_system() {
    let on_both = |cells: [RunCell; 3]| cells.clone().into_iter().chain(cells.map(|cell| on("active_matter", cell)));
    let jepa = cell("jepa", Random, 0, 0.2);
    let autoencoder = with_encoder_of(&jepa, cell("autoencoder", Random, 0, 0.2));
    let both: Vec<RunCell> = on_both([jepa, autoencoder, cell("mpp", Pretrained, 0, 0.9)]).collect();
    let lines = |cells: Vec<RunCell>| -> Vec<String> {
        let table = Form::Markdown.render(&run(cells)).expect("Markdown");
        let summary = table.rsplit("## all systems").next().expect("a summary");
        summary.lines().filter(|line| line.starts_with("| ")).skip(2).map(String::from).collect()
    };
    let [one, mpp] = &lines(both.clone())[..] else { panic!("two lines") };
    assert!(one.starts_with("| jepa, autoencoder (random init) | **0.200") && one.ends_with("| 1.0 |"), "{one}");
    assert!(mpp.starts_with("| mpp |") && mpp.ends_with("| 2.0 |"), "{mpp}");
    // On the second system the autoencoder has no result.
    let missing = |cell: RunCell| match (cell.identity.method.as_str(), cell.identity.system.as_str()) {
        ("autoencoder", "active_matter") => with_outcome(cell, CellOutcome::Missing),
        _ => cell,
    };
    let [jepa, _, autoencoder] = &lines(both.into_iter().map(missing).collect())[..] else { panic!("three lines") };
    assert!(jepa.starts_with("| jepa (random init) | **0.200") && jepa.ends_with("| 1.0 |"), "{jepa}");
    assert!(autoencoder.starts_with("| autoencoder (random init) [1] | **0.200"), "{autoencoder}");
    assert!(autoencoder.ends_with("| - | - |"), "{autoencoder}");
}

#[test]
fn one_seed_has_a_bootstrap_interval_and_several_a_t_interval() {
    let score = |cells: Vec<RunCell>| {
        let results = run(cells);
        let leaderboard = Leaderboard::of(&results).expect("cells");
        leaderboard.systems[0].rows[0].score(Track::Frozen, "ridge").expect("a score").test.interval
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

#[test]
fn the_spread_of_fits_is_the_root_mean_square_over_seeds() {
    let fitted = |seed, fits: &[f64]| {
        edited(cell("jepa", Pretrained, seed, 0.2), |record| record.scores[0].fits = fits.to_vec())
    };
    let spread = |cells: Vec<RunCell>| {
        let results = run(cells);
        let leaderboard = Leaderboard::of(&results).expect("cells");
        leaderboard.systems[0].rows[0].scores[0].test.fits_std
    };
    let near = |found: Option<f64>, expected: f64| assert!((found.expect("a spread") - expected).abs() < 1e-12);
    near(spread(vec![fitted(0, &[0.1, 0.2, 0.3])]), 0.1);
    near(spread(vec![fitted(0, &[0.1, 0.2, 0.3]), fitted(1, &[0.0, 0.7, 1.4])]), 0.5f64);
    assert_eq!(spread(vec![fitted(0, &[])]), Option::None);
}
