//! Whether pretraining helps.

use physrep_records::{Initialisation::*, RunCell, Track};

use super::run::{TRAJECTORIES, cell, edited, errors, on, run, score};
use crate::{Form, Leaderboard, Verdict, terminal_summary};

/// A cell whose errors are those of `mse`, in turn higher and lower by 0.15.
fn fickle(cell: RunCell, mse: f32) -> RunCell {
    let sign = |t: usize| if t.is_multiple_of(2) { 0.15 } else { -0.15 };
    let errors: Vec<f32> = errors(mse).iter().enumerate().map(|(t, e)| e + sign(t)).collect();
    edited(cell, |record| record.scores = vec![score("ridge", 1.0, &errors)])
}

fn cells() -> Vec<RunCell> {
    vec![
        cell("jepa", Pretrained, 0, 0.2),
        cell("jepa", Random, 0, 0.5),
        cell("mpp", Pretrained, 0, 0.9),
        cell("mpp", Joint, 0, 0.3),
        cell("mpp", Random, 0, 0.4),
        fickle(cell("disco", Pretrained, 0, 0.0), 0.45),
        cell("disco", Random, 0, 0.5),
        cell("features", None, 0, 0.1),
    ]
}

#[test]
fn each_method_is_compared_with_its_own_random_initialisation() {
    let results = run(cells());
    let leaderboard = Leaderboard::of(&results).expect("cells");
    let pairs = leaderboard.pretraining(Track::Frozen, "ridge");
    let found: Vec<(String, Verdict)> = pairs.iter().map(|pair| (pair.row.name(), pair.verdict)).collect();
    let expected = [
        ("jepa", Verdict::Yes),
        ("mpp", Verdict::No),
        ("mpp (joint)", Verdict::Yes),
        ("disco", Verdict::NotSignificant),
    ];
    assert_eq!(found, expected.map(|(name, verdict)| (name.to_owned(), verdict)));
    assert!((pairs[0].comparison.difference + 0.3).abs() < 1e-6);
    // Three comparisons are as clear as eight trajectories allow; the largest factor in a family of four is four.
    let [jepa, alone] = [pairs[0].p, pairs[0].comparison.p()].map(|p| p.expect("a p-value"));
    assert!((jepa - 4.0 * alone).abs() < 1e-12, "{jepa}, {alone}");
}

#[test]
fn comparisons_on_all_systems_are_one_family() {
    let both: Vec<RunCell> =
        cells().into_iter().chain(cells().into_iter().map(|cell| on("active_matter", cell))).collect();
    let results = run(both);
    let leaderboard = Leaderboard::of(&results).expect("cells");
    let pairs = leaderboard.pretraining(Track::Frozen, "ridge");
    assert_eq!(pairs.len(), 8);
    let systems: Vec<&str> = pairs[..2].iter().map(|pair| pair.system).collect();
    assert_eq!((systems, pairs[0].row.name()), (vec!["shear_flow", "active_matter"], pairs[1].row.name()));
    // No p-value on eight trajectories survives a factor of eight.
    const { assert!(TRAJECTORIES == 8) };
    assert!(pairs.iter().all(|pair| pair.verdict == Verdict::NotSignificant && pair.p > Some(0.05)), "{pairs:?}");
}

#[test]
fn the_table_has_a_verdict_for_each_method_and_system() {
    let results = run(cells());
    let markdown = Form::Markdown.render(&results).expect("Markdown");
    let title = "## all systems, frozen encoders, does pretraining help? ridge probe (suite tiny v4, draw 0)";
    assert!(markdown.contains(title) && markdown.contains("for the 4 comparisons of this table"), "{markdown}");
    let table = markdown.split(title).nth(1).expect("a table");
    let line = |name: &str| table.lines().find(|line| line.starts_with(name)).expect("a line").to_owned();
    let jepa = line("| jepa |");
    assert!(jepa.starts_with("| jepa | shear flow | 0.200 ± ") && jepa.contains("| -0.300 ± "), "{jepa}");
    assert!(jepa.ends_with(" | 0.041 | yes |"), "{jepa}");
    assert!(line("| mpp |").ends_with("| no |") && line("| disco |").ends_with("| not significant |"), "{table}");
    assert!(terminal_summary(&results).contains("does pretraining help?"));
}

#[test]
fn a_shared_random_initialisation_is_that_of_each_of_its_methods() {
    let jepa = cell("jepa", Random, 0, 0.5);
    let encoder = jepa.record().expect("a record").encoder.clone();
    let autoencoder = edited(cell("autoencoder", Random, 0, 0.5), |record| record.encoder = encoder);
    let pretrained = [cell("jepa", Pretrained, 0, 0.2), cell("autoencoder", Pretrained, 0, 0.3)];
    let results = run(pretrained.into_iter().chain([jepa, autoencoder]).collect());
    let leaderboard = Leaderboard::of(&results).expect("cells");
    let pairs = leaderboard.pretraining(Track::Frozen, "ridge");
    assert_eq!(pairs.iter().map(|pair| pair.random.mse).collect::<Vec<_>>(), [pairs[0].random.mse; 2]);
}
