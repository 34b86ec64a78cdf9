//! The sections of the page, and the figures in them.

use std::path::Path;

use maud::{Markup, html};
use physrep_records::{RunManifest, SampleFields, Track};

use super::{environment, page::Section, protocol, table};
use crate::{
    error::Result,
    figures::{self, Figure, Palette, spaced},
    leaderboard::{Leaderboard, SystemLeaderboard},
    tables,
};

/// A run, as the sections see it.
pub(super) struct Run<'a> {
    /// Its folder, for curves and sample fields, which are shown if they are there.
    pub folder: &'a Path,
    pub manifest: &'a RunManifest,
    pub leaderboard: &'a Leaderboard<'a>,
}

/// All sections of the page in their order. Their figures are added to `shown`.
pub(super) fn all(run: &Run<'_>, shown: &mut Vec<Figure>) -> Result<Vec<Section>> {
    let palette = Palette::of(run.leaderboard);
    let mut sections = vec![
        ("scores", "Scores", scores(run.leaderboard, &palette, shown)),
        ("predictions", "Predicted and true", predictions(run.leaderboard, &palette, shown)),
        ("regimes", "Held-out parameters", regimes(run.leaderboard, &palette, shown)),
        ("labels", "Label efficiency", labels(run.leaderboard, &palette, shown)),
        ("training", "Training", training(run, &palette, shown)),
        ("cost", "Cost", cost(run.leaderboard, &palette, shown)),
        ("fields", "Sample fields", fields(run, shown)?),
        ("health", "Health", health(run.leaderboard)),
        ("protocol", "Protocol", protocol::section(run.leaderboard)),
        ("environment", "Environment", environment::section(run.leaderboard)),
    ];
    // A suite without held-out parameters has no such section.
    sections.retain(|(.., body)| !body.0.is_empty());
    Ok(sections.into_iter().map(|(id, title, body)| Section { id, title, body }).collect())
}

/// Figures on the page; they are added to `shown`.
fn show(new: impl IntoIterator<Item = Figure>, shown: &mut Vec<Figure>) -> Markup {
    let new: Vec<Figure> = new.into_iter().collect();
    let page = html! { @for figure in &new { (figure.inline()) } };
    shown.extend(new);
    page
}

/// A part of the page, or a sentence if the part is empty.
fn or(part: Markup, sentence: &str) -> Markup {
    if part.0.is_empty() {
        html! { p { (sentence) } }
    } else {
        part
    }
}

fn scores(leaderboard: &Leaderboard<'_>, palette: &Palette, shown: &mut Vec<Figure>) -> Markup {
    html! {
        @for table in tables::summaries(leaderboard) { (table::render(&table)) }
        (show(figures::overview(leaderboard, palette), shown))
        (pretraining(leaderboard))
        @for system in &leaderboard.systems {
            h3 { (spaced(system.name)) }
            (scores_of(leaderboard, system))
        }
    }
}

/// Whether pretraining helps: by the first probe of each track and, folded, by the others.
fn pretraining(leaderboard: &Leaderboard<'_>) -> Markup {
    html! {
        @for (place, table) in Track::ALL.iter().flat_map(|&track| tables::pretraining::tables(leaderboard, track).into_iter().enumerate()) {
            @if place == 0 {
                (table::render(&table))
            } @else {
                details {
                    summary { (table.title) }
                    (table::render(&table))
                }
            }
        }
    }
}

/// The tables of a system: by probe and, folded, by parameter.
fn scores_of(leaderboard: &Leaderboard<'_>, system: &SystemLeaderboard<'_>) -> Markup {
    let by_probe = Track::ALL.iter().filter_map(|&track| tables::scores::table(leaderboard, system, track));
    let by_parameter = Track::ALL.iter().filter_map(|&track| tables::by_parameter::table(leaderboard, system, track));
    html! {
        @for table in by_probe { (table::render(&table)) }
        @for table in by_parameter {
            details {
                summary { (table.title) }
                (table::render(&table))
            }
        }
    }
}

fn predictions(leaderboard: &Leaderboard<'_>, palette: &Palette, shown: &mut Vec<Figure>) -> Markup {
    html! {
        @for system in &leaderboard.systems {
            h3 { (spaced(system.name)) }
            (or(show(figures::predictions(system, palette), shown), "No pretrained encoder has a result."))
        }
    }
}

/// The figure and the tables of each system that has held-out parameters.
fn regimes(leaderboard: &Leaderboard<'_>, palette: &Palette, shown: &mut Vec<Figure>) -> Markup {
    html! {
        @for system in leaderboard.systems.iter().filter(|system| !system.regimes().is_empty()) {
            h3 { (spaced(system.name)) }
            (show(figures::regimes(system, palette), shown))
            @for table in Track::ALL.iter().filter_map(|&track| tables::regimes::table(leaderboard, system, track)) {
                (table::render(&table))
            }
        }
    }
}

fn labels(leaderboard: &Leaderboard<'_>, palette: &Palette, shown: &mut Vec<Figure>) -> Markup {
    let figures = leaderboard.systems.iter().filter_map(|system| figures::label_efficiency(system, palette));
    or(
        show(figures, shown),
        "The probes of this run saw all labels; there is no smaller label fraction to compare with.",
    )
}

fn training(run: &Run<'_>, palette: &Palette, shown: &mut Vec<Figure>) -> Markup {
    let figures = figures::training(run.folder, run.manifest, run.leaderboard, palette);
    or(show(figures, shown), "The run has no curves of pretraining (curves.jsonl in the folders of its cells).")
}

fn cost(leaderboard: &Leaderboard<'_>, palette: &Palette, shown: &mut Vec<Figure>) -> Markup {
    html! {
        (show(figures::cost(leaderboard, palette), shown))
        @for table in leaderboard.systems.iter().flat_map(|system| tables::cost::tables(leaderboard, system)) {
            (table::render(&table))
        }
    }
}

/// Sample fields. No score depends on them, so files that cannot be read are no error.
fn fields(run: &Run<'_>, shown: &mut Vec<Figure>) -> Result<Markup> {
    let mut parts = Vec::new();
    for system in &run.leaderboard.systems {
        parts.push(match SampleFields::read(run.folder, system.name) {
            Ok(Some(fields)) => show([figures::sample_fields(&fields)?], shown),
            Ok(None) => html! { p { "The run has no sample fields of " (spaced(system.name)) "." } },
            Err(error) => html! { p { "The sample fields of " (spaced(system.name)) " cannot be read: " (error) "." } },
        });
    }
    Ok(html! { @for part in parts { (part) } })
}

fn health(leaderboard: &Leaderboard<'_>) -> Markup {
    html! {
        @for table in leaderboard.systems.iter().filter_map(|system| tables::health::table(leaderboard, system)) {
            (table::render(&table))
        }
        dl {
            dt { "Effective rank" }
            dd { "The exponential of the entropy of the normalised singular values of the centred, mean-pooled embeddings (Roy and Vetterli \
                  2007): how many of their dimensions they fill. Below 2 they have collapsed. Constant dimensions do not vary." }
            dt { "Std of dimensions" }
            dd { "The standard deviation over windows, from the dimension with the smallest to the one with the largest." }
            dt { "Gradient norm, tensors without gradient" }
            dd { "The Euclidean norm over all trained parameters in the first ten steps, and the trained tensors that received no gradient." }
            dt { "Label permutation R2" }
            dd { "The R2 of ridge regression on test when labels are permuted among trajectories, from the lowest to the highest of the \
                  permutations. Permuted labels cannot be estimated, so the range should contain 0." }
        }
    }
}
