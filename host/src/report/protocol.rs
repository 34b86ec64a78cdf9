//! What was done, in words and with the suite's numbers.

use maud::{Markup, html};
use physrep_benchmarks::{
    Split,
    suite::{Suite, SystemSuite},
};
use serde_json::Value;

use super::{
    rows::spaced,
    table::{Column, Entry, Table},
};
use crate::{board::Board, result::CellResult, show::number};

/// The protocol of a run; a sentence for one without results.
pub(super) fn section(board: &Board<'_>) -> Markup {
    let results = || board.systems.iter().flat_map(|system| system.rows.iter().flat_map(|row| &row.results));
    let Some(result) = results().next() else {
        return html! { p { "No cell has a result yet." } };
    };
    match serde_json::from_value::<Suite>(result.recipe.suite.clone()) {
        Ok(suite) => html! {
            (words(&suite))
            @for system in &board.systems {
                @if let Some(section) = suite.systems.iter().find(|section| section.name == system.name) { (parameters(section)) }
            }
            (configurations(results().copied()))
        },
        Err(_) => html! {
            p { "The suite, as it was recorded:" }
            pre tabindex="0" { (pretty(&result.recipe.suite)) }
        },
    }
}

fn words(suite: &Suite) -> Markup {
    let (window, pretrain, attentive, mlp) = (&suite.window, &suite.pretrain, &suite.probe.attentive, &suite.probe.mlp);
    let list = |values: &[f64]| values.iter().map(|value| number(*value)).collect::<Vec<_>>().join(", ");
    let percent: Vec<f64> =
        suite.probe.label_fractions.iter().map(|fraction| (1e4 * fraction).round() / 100.0).collect();
    let neighbours: Vec<f64> = suite.probe.knn.neighbours.iter().map(|&k| k as f64).collect();
    let penalties = &suite.probe.ridge.penalties;
    let [least, most] = [f64::min, f64::max].map(|of| penalties.iter().copied().reduce(of).unwrap_or_default());
    html! {
        dl {
            dt { "Windows" }
            dd { "A window is " (window.context) " frames of context, which encoders see, and " (window.future) " of future, which only \
                  pretraining may see. " (if suite.normalise { "Channels are shifted and scaled to mean 0 and deviation 1 over train." } else { "Fields are as they are in the files." }) }
            dt { "Noise" }
            dd { "Every clip is observed under Gaussian noise of deviation " (number(suite.noise)) ", unless its system says otherwise \
                  below; drawn for the window, so that it is the same for every method and every run." }
            dt { "Splits" }
            dd { "By trajectory. Pretraining and the fits of probes see train; choices within a probe are made on valid; scores are of \
                  test, and of held-out, whose parameters no other split has." }
            dt { "Pretraining" }
            dd { (pretrain.samples) " windows, counted with repetition, in batches of " (pretrain.batch) ", in the same order for every \
                  method, without labels. Seeds: " (suite.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")) "." }
            dt { "Labels" }
            dd { "A label is the parameter, or its base-10 logarithm, less a mean and over a deviation (table below), as in "
                 a href="https://arxiv.org/abs/2603.13227" { "arXiv:2603.13227" } ": over the suite's grid it has mean 0 and variance 1, so \
                 that always predicting the mean has an error of 1." }
            dt { "Score" }
            dd { "The mean squared error of labels over the windows of test, the mean over parameters and seeds. R² is against the \
                  split's own mean." }
            dt { "Probe attentive" }
            dd { "One learned query attends to the tokens, as in the paper. " (attentive.epochs) " epochs in batches of " (attentive.batch)
                 ", AdamW with learning rate " (number(attentive.lr)) " and weight decay " (number(attentive.weight_decay)) "; the epoch is \
                 chosen on valid." }
            dt { "Probe ridge" }
            dd { "Ridge regression on mean-pooled tokens, in closed form; the penalty is chosen on valid of " (penalties.len()) ", from "
                 (number(least)) " to " (number(most)) " times the number of windows." }
            dt { "Probe knn" }
            dd { "The mean label of the nearest neighbours of mean-pooled tokens; chosen on valid: their number, of " (list(&neighbours))
                 ", and the distance, Euclidean or cosine." }
            dt { "Probe mlp" }
            dd { "A perceptron of one hidden layer of " (mlp.hidden) " on mean-pooled tokens. " (mlp.epochs) " epochs in batches of "
                 (mlp.batch) ", AdamW with learning rate " (number(mlp.lr)) " and weight decay " (number(mlp.weight_decay)) "." }
            dt { "Shares of labels" }
            dd { (list(&percent)) " % of the trajectories of train and of valid, drawn once for all methods; those of a smaller share are \
                  among those of a larger one." }
            @if let Some(finetune) = &suite.finetune {
                dt { "End to end" }
                dd { "Labels train the encoder too, with the attentive probe on its tokens: " (finetune.epochs) " epochs in batches of "
                     (finetune.batch) ", AdamW with learning rate " (number(finetune.lr)) " and weight decay "
                     (number(finetune.weight_decay)) ". From random weights that is the supervised ceiling." }
            }
            dt { "Intervals" }
            dd { "With two seeds or more, Student's 95 % interval over seeds; with one, the 95 % bootstrap interval over test \
                  trajectories, the unit of all statistics since windows of one trajectory are alike." }
            dt { "Best and tied" }
            dd { "For each probe, floors aside: the lowest error is bold. Underlined is what is not clearly different from it: the paired \
                  bootstrap interval of the difference over trajectories contains 0 or, with several seeds, the t interval over them does." }
            dt { "Floors" }
            dd { "features: ridge regression on hand-made statistics of the fields. mean: the mean label of train." }
        }
    }
}

/// The grid of a system's parameters and the scaling of its labels.
fn parameters(section: &SystemSuite) -> Markup {
    let list = |values: &[f64]| values.iter().map(|value| number(*value)).collect::<Vec<_>>().join(", ");
    let rows = section.parameters.iter().zip(section.scalings()).map(|(grid, scaling)| {
        vec![
            Entry::text(&grid.name),
            Entry::text(list(&grid.values)),
            Entry::text(if grid.held_out.is_empty() { "–".into() } else { list(&grid.held_out) }),
            Entry::text(scaling.scale.formula()),
            Entry::number(Some(scaling.mean), 4),
            Entry::number(Some(scaling.std), 4),
        ]
    });
    let trajectories = section.generate.as_ref().map(|generation| {
        let of = |split: Split| format!("{} {}", generation.trajectories[split], spaced(split.name()));
        section.splits().map(of).collect::<Vec<_>>().join(", ")
    });
    let [nx, ny] = section.store;
    let columns =
        ["values", "held-out", "scale"].map(Column::text).into_iter().chain(["mean", "deviation"].map(Column::number));
    let caption = html! {
        (spaced(&section.name)) ": " (nx) " × " (ny) " points, " (section.frames) " frames " (number(section.dt)) " apart"
        @if let Some(noise) = section.noise { ", noise of deviation " (number(noise)) }
        @if let Some(trajectories) = &trajectories { "; trajectories for each set of parameters: " (trajectories) }
        "."
    };
    let table = Table {
        id: format!("parameters-of-{}", section.name),
        caption,
        columns: std::iter::once(Column::text("Parameter")).chain(columns).collect(),
        rows: rows.collect(),
        notes: Vec::new(),
        rule: None,
    };
    table.render()
}

/// What each method's configuration has besides defaults.
fn configurations<'r>(results: impl Iterator<Item = &'r CellResult>) -> Markup {
    let mut known: Vec<(&str, &Value)> = Vec::new();
    for result in results.filter(|result| !result.recipe.config.is_null()) {
        let one = (result.identity.method.as_str(), &result.recipe.config);
        if !known.contains(&one) {
            known.push(one);
        }
    }
    html! {
        @if !known.is_empty() {
            details {
                summary { "Configurations of methods, as far as they differ from the defaults" }
                @for (method, config) in known {
                    p { (method) }
                    pre tabindex="0" { (pretty(config)) }
                }
            }
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
