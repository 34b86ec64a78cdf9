//! The protocol of a run, with the values of its suite.

use maud::{Markup, html};
use physrep_benchmarks::{
    packed::clip_noise,
    suite::{ProbeBudgets, Suite, SystemSuite},
};
use physrep_records::CellRecord;
use serde_json::Value as Json;

use super::{parameters, table};
use crate::{
    leaderboard::{Leaderboard, Row},
    number::number,
};

/// The protocol of a run; a sentence for a run without records.
pub(super) fn section(leaderboard: &Leaderboard<'_>) -> Markup {
    let records = || leaderboard.rows().flat_map(Row::all_records);
    let Some(record) = records().next() else {
        return html! { p { "No cell has a result yet." } };
    };
    match serde_json::from_value::<Suite>(record.recipe.suite.clone()) {
        Ok(suite) => {
            let section = |name: &str| suite.systems.iter().find(|section| section.name == name);
            let sections: Vec<&SystemSuite> =
                leaderboard.systems.iter().filter_map(|system| section(system.name)).collect();
            html! {
                (words(&suite))
                @for section in sections { (table::render(&parameters::table(section))) }
                (configurations(records()))
            }
        }
        Err(_) => html! {
            p { "The suite, as the records have it:" }
            pre tabindex="0" { (pretty(&record.recipe.suite)) }
        },
    }
}

fn words(suite: &Suite) -> Markup {
    html! {
        dl {
            (data(suite))
            (probes(suite))
            (statistics())
        }
    }
}

/// The data and the pretraining.
fn data(suite: &Suite) -> Markup {
    let (window, pretrain) = (&suite.window, &suite.pretrain);
    let seeds: Vec<String> = suite.seeds.iter().map(u64::to_string).collect();
    html! {
        dt { "Windows" }
        dd { "A window is " (window.context) " context frames, which encoders see, and " (window.future) " future frames, which only \
              pretraining may see. "
             (if suite.normalise { "Channels are normalised to mean 0 and standard deviation 1 over train." } else { "Fields are used as they are in the files." }) }
        dt { "Noise" }
        dd { (clip_noise::describe(&number(suite.noise))) " is added to every clip, unless the table of its system says otherwise. It is drawn \
              for the window, so it is the same for every method and every run." }
        dt { "Splits" }
        dd { "By trajectory. Pretraining and the fits of probes see train; probes make their selections on valid; scores are on test, and \
              on held-out, whose parameters no other split has." }
        dt { "Pretraining" }
        dd { (pretrain.samples) " windows, counted with repetition, in batches of " (pretrain.batch) ", in the same order for every \
              method, without labels. Seeds: " (seeds.join(", ")) "." }
        dt { "Labels" }
        dd { "A label is the parameter on its scale, minus a mean and divided by a standard deviation (tables below), as in "
             a href="https://arxiv.org/abs/2603.13227" { "arXiv:2603.13227" } ": over the suite's distribution it has mean 0 and variance 1, so \
             that predicting the mean has an error of 1." }
        dt { "Score" }
        dd { "The mean squared error of labels over the windows of test, the mean over parameters and seeds. R² is against the mean of \
              the split itself." }
    }
}

/// The probes.
fn probes(suite: &Suite) -> Markup {
    let ProbeBudgets { label_fractions, fits, attentive, mlp, ridge, knn } = &suite.probe;
    let penalties = &ridge.penalties;
    let [least, most] = [f64::min, f64::max].map(|of| penalties.iter().copied().reduce(of).unwrap_or_default());
    let neighbours: Vec<f64> = knn.neighbours.iter().map(|&k| k as f64).collect();
    let percent: Vec<f64> = label_fractions.iter().map(|fraction| (1e4 * fraction).round() / 100.0).collect();
    html! {
        dt { "Probe attentive" }
        dd { "One learned query attends to the tokens, as in the paper. " (attentive.epochs) " epochs in batches of " (attentive.batch)
             ", AdamW with learning rate " (number(attentive.lr)) " and weight decay " (number(attentive.weight_decay)) "; the epoch is \
             selected on valid." }
        dt { "Probe ridge" }
        dd { "Ridge regression on mean-pooled tokens, in closed form; the penalty is selected on valid from " (penalties.len()) ", from "
             (number(least)) " to " (number(most)) " times the number of windows." }
        dt { "Probe knn" }
        dd { "The mean label of the nearest neighbours of mean-pooled tokens. Selected on valid: the number of neighbours, from "
             (parameters::list(&neighbours)) ", and the distance, Euclidean or cosine." }
        dt { "Probe mlp" }
        dd { "A perceptron with one hidden layer of " (mlp.hidden) " units on mean-pooled tokens. " (mlp.epochs) " epochs in batches of "
             (mlp.batch) ", AdamW with learning rate " (number(mlp.lr)) " and weight decay " (number(mlp.weight_decay)) "." }
        dt { "Fits" }
        dd { "attentive and mlp start from random weights: each is fitted " (fits) " times with seeds of its own, and every number is the \
              mean over the fits." }
        dt { "Label fractions" }
        dd { (parameters::list(&percent)) " % of the trajectories of train and of valid, drawn once for all methods; a smaller subset is \
              contained in every larger one." }
        @if let Some(budget) = &suite.finetune {
            dt { "End to end" }
            dd { "Labels train the encoder too, together with the attentive probe on its tokens: " (budget.epochs) " epochs in batches of "
                 (budget.batch) ", AdamW with learning rate " (number(budget.lr)) " and weight decay " (number(budget.weight_decay))
                 ". From random initialisation that is the supervised ceiling." }
        }
    }
}

/// The statistics of the tables.
fn statistics() -> Markup {
    html! {
        dt { "Intervals" }
        dd { "With two seeds or more, Student's 95 % t interval over seeds; with one, the 95 % bootstrap interval over test trajectories, \
              the unit of all statistics since windows of one trajectory are alike." }
        dt { "In brackets" }
        dd { "The standard deviation of the errors of single fits of a probe that starts from random weights (with n - 1); over several \
              seeds, its root mean square." }
        dt { "Best and tied" }
        dd { "For each probe, floors aside: the lowest error is bold. Underlined: not significantly different from it. A comparison is a \
              paired bootstrap over trajectories and, with several seeds, a paired t test as well; the larger p-value counts. It is corrected by \
              Holm's method for the comparisons of the best with all other encoders by the same probe, and significant below 0.05." }
        dt { "Does pretraining help?" }
        dd { "The same test between each pretrained encoder and its random initialisation, corrected for all methods and systems by the \
              same probe." }
        dt { "Ranks" }
        dd { "Among encoders with the same probe; equal errors share the mean of their ranks. Methods with the same encoder checksums and the \
              same scores are one encoder, and one row." }
        dt { "Floors" }
        dd { "features: ridge regression on hand-made statistics of the fields. mean: the mean label of train." }
    }
}

/// The configuration of each method where it differs from the defaults.
fn configurations<'r>(records: impl Iterator<Item = &'r CellRecord>) -> Markup {
    let mut known: Vec<(&str, &Json)> = Vec::new();
    for record in records.filter(|record| !record.recipe.config.is_null()) {
        let one = (record.identity.method.as_str(), &record.recipe.config);
        if !known.contains(&one) {
            known.push(one);
        }
    }
    html! {
        @if !known.is_empty() {
            details {
                summary { "Configurations of methods, where they differ from the defaults" }
                @for (method, config) in known {
                    p { (method) }
                    pre tabindex="0" { (pretty(config)) }
                }
            }
        }
    }
}

fn pretty(value: &Json) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
