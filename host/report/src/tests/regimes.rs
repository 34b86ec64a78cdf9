//! Held-out parameters in tables and figures.

use physrep_benchmarks::Regime;
use physrep_records::Initialisation::*;

use super::{
    report::page,
    run::{cell, run, with_held_out},
};
use crate::{Form, Leaderboard};

fn cells() -> Vec<physrep_records::RunCell> {
    vec![
        with_held_out(cell("jepa", Pretrained, 0, 0.2), [0.3, 0.8, 1.6]),
        with_held_out(cell("jepa", Random, 0, 0.4), [0.5, 1.0, 3.2]),
    ]
}

#[test]
fn each_regime_has_an_error_with_an_interval_over_its_own_trajectories() {
    let results = run(cells());
    let leaderboard = Leaderboard::of(&results).expect("cells");
    assert_eq!(leaderboard.systems[0].regimes(), Regime::ALL);
    let by_regime = &leaderboard.systems[0].rows[0].scores[0].by_regime;
    let regimes: Vec<Regime> = by_regime.iter().map(|by| by.regime).collect();
    assert_eq!(regimes, Regime::ALL);
    for (by, mse) in by_regime.iter().zip([0.3, 0.8, 1.6]) {
        // Four of the eight errors around it, the lower ones.
        let (found, interval) = (by.error.mse / mse, by.error.interval.expect("an interval"));
        assert!((found - 0.96).abs() < 1e-6, "{by:?}");
        assert!(interval.low < by.error.mse && by.error.mse < interval.high && interval.high < mse, "{by:?}");
    }
}

#[test]
fn the_table_has_a_column_for_test_and_for_each_regime_and_none_for_their_mean() {
    let results = run(cells());
    let markdown = Form::Markdown.render(&results).expect("Markdown");
    assert!(
        markdown.contains("## shear_flow, frozen encoders, held-out regimes (suite tiny v4, draw 0)"),
        "{markdown}"
    );
    let columns = "| method | probe | test | interpolation | near extrapolation | far extrapolation |";
    assert!(markdown.contains(columns), "{markdown}");
    let line = markdown.lines().find(|line| line.starts_with("| jepa | ridge | 0.200 ± ") && line.contains("0.768"));
    let line = line.expect("a line");
    assert!(line.matches(" ± ").count() == 4 && line.contains("| 0.288 ± ") && line.contains("| 1.536 ± "), "{line}");
    for form in [Form::Terminal, Form::Latex] {
        let text = form.render(&results).expect("tables");
        assert!(text.contains("held-out regimes") && text.contains("1.536"), "{text}");
    }
}

#[test]
fn the_page_shows_regimes_and_a_suite_without_held_out_has_neither_table_nor_figure() {
    let with = page(cells(), |_| {});
    assert!(with.contains("id=\"regimes\"") && with.contains("figures/regimes-shear_flow.svg"));
    assert!(with.contains("jepa: 0.200 on test, 0.288 on interpolation, 0.768 on near extrapolation"), "{with}");
    for name in ["test", "gap", "near", "far"] {
        assert!(with.contains(&format!(">{name}</text>")), "{name}");
    }
    let without = page(vec![cell("jepa", Pretrained, 0, 0.2)], |_| {});
    assert!(!without.contains("regimes") && !without.contains("Held-out"));
    let markdown = Form::Markdown.render(&run(vec![cell("jepa", Pretrained, 0, 0.2)])).expect("Markdown");
    assert!(!markdown.contains("regimes"), "{markdown}");
}
