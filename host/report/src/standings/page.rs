//! The page: one table for each version of a suite, and selections of its lines.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use physrep_records::Track;

use super::entry::{Entry, Kind};
use crate::{
    figures::spaced,
    html::{PageState, TABLE_SCRIPT, head},
    leaderboard::Estimate,
};

/// The whole document.
pub(super) fn render(entries: &[Entry]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en-GB" {
            (head("physrep-bench: leaderboard", include_str!("filter.css"), PageState::Ended))
            body {
                a class="skip" href="#main" { "Skip to the scores" }
                header {
                    p class="eyebrow" { "physrep-bench · leaderboard" }
                    h1 { "How much physics do the representations hold?" }
                    (lead())
                    (selections(entries))
                }
                main id="main" tabindex="-1" {
                    @for (suite, entries) in by_suite(entries) { (section(&suite, &entries)) }
                }
                footer {
                    p { "Made by " code { "physrep-bench leaderboard" } " from the records of the runs alone. " code { "physrep-bench submit" } " makes a folder to add." }
                }
                p id="status" class="unseen" role="status" {}
                script { (PreEscaped(TABLE_SCRIPT)) }
                script { (PreEscaped(include_str!("filter.js"))) }
            }
        }
    };
    page.into_string()
}

fn lead() -> Markup {
    html! {
        p class="lead" {
            "Encoders are pretrained without labels on simulated physical systems and frozen; probes estimate the governing parameters from the \
             embeddings. Mean squared error on test trajectories for labels of variance 1: 0 is perfect, 1 is predicting the mean, and lower is \
             better. After ±: the 95 % interval, over seeds if there are several, else over trajectories."
        }
        p {
            "Only lines of one table compare: versions of a suite differ in what they ask. A difference between two lines is significant if the \
             paired test of " code { "physrep-bench compare" } " on their runs says so. The column of fresh draws has the same method and \
             configuration on new trajectories from the same distributions, which nothing can have been tuned to."
        }
    }
}

/// The suites, by name and with the newest version first, and their lines.
fn by_suite(entries: &[Entry]) -> Vec<(String, Vec<&Entry>)> {
    let mut versions: Vec<(&str, u32)> =
        entries.iter().map(|entry| (entry.suite.name.as_str(), entry.suite.version)).collect();
    versions.sort_by_key(|&(name, version)| (name, std::cmp::Reverse(version)));
    versions.dedup();
    let lines = |name: &str, version: u32| -> Vec<&Entry> {
        entries.iter().filter(|entry| (entry.suite.name.as_str(), entry.suite.version) == (name, version)).collect()
    };
    versions.into_iter().map(|(name, version)| (format!("{name} v{version}"), lines(name, version))).collect()
}

fn selections(entries: &[Entry]) -> Markup {
    let found = |value: &dyn Fn(&Entry) -> String| -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        for value in entries.iter().map(value) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values.sort();
        values
    };
    let systems = found(&|entry| spaced(&entry.system));
    let tracks = Track::ALL.map(track_name).map(str::to_owned).to_vec();
    let kinds: Vec<String> = Kind::ALL.map(|kind| kind.name().to_owned()).to_vec();
    let mut probes = found(&probe);
    probes.retain(|probe| !probe.is_empty());
    let first = probes.iter().find(|probe| *probe == "attentive").or(probes.first()).cloned().unwrap_or_default();
    html! {
        div class="filters" hidden {
            (selection("system", "System", &systems, &systems[0]))
            (selection("track", "Encoders", &tracks, track_name(Track::Frozen)))
            (selection("probe", "Probe", &probes, &first))
            (selection("kind", "Ran as", &kinds, ""))
            (selection("clips", "Clips of pretraining", &found(&clips), ""))
            (selection("fresh", "On a fresh draw", &[CONFIRMED.to_owned(), UNCONFIRMED.to_owned()], ""))
        }
    }
}

fn selection(filter: &str, label: &str, values: &[String], chosen: &str) -> Markup {
    html! {
        label {
            (label)
            select data-filter=(filter) {
                option value="" { "all" }
                @for value in values { option value=(value) selected[value == chosen] { (value) } }
            }
        }
    }
}

/// The probe that a line is selected by; a floor has one of its own, and stands beside every other.
fn probe(entry: &Entry) -> String {
    if entry.kind == Kind::Floor { String::new() } else { entry.probe.clone() }
}

const CONFIRMED: &str = "confirmed";
const UNCONFIRMED: &str = "not tried";

fn confirmed(entry: &Entry) -> &'static str {
    if entry.fresh.is_some() { CONFIRMED } else { UNCONFIRMED }
}

fn track_name(track: Track) -> &'static str {
    match track {
        Track::Frozen => "frozen",
        Track::EndToEnd => "trained end to end with labels",
    }
}

fn clips(entry: &Entry) -> String {
    entry.clips.map_or("none".into(), |clips| clips.to_string())
}

const COLUMNS: [(&str, bool); 10] = [
    ("encoder", false),
    ("system", false),
    ("probe", false),
    ("error", true),
    ("on a fresh draw", true),
    ("seeds", true),
    ("clips", true),
    ("tuning trials", true),
    ("ran as", false),
    ("run", false),
];

fn section(suite: &str, entries: &[&Entry]) -> Markup {
    let id = suite.replace(' ', "-");
    html! {
        section id=(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (suite) }
            p class="count" {}
            div class="scroll" role="region" tabindex="0" aria-labelledby={ (id) "-title" } {
                table class="sortable" {
                    thead { tr { @for (name, numeric) in COLUMNS { th scope="col" class=[numeric.then_some("n")] { (name) } } } }
                    tbody { @for entry in entries { (line(entry)) } }
                }
            }
        }
    }
}

fn line(entry: &Entry) -> Markup {
    html! {
        tr data-system=(spaced(&entry.system)) data-track=(track_name(entry.track)) data-probe=(probe(entry)) data-kind=(entry.kind.name())
            data-clips=(clips(entry)) data-fresh=(confirmed(entry)) {
            th scope="row" { (linked(&entry.name, entry.card.as_deref())) }
            td { (spaced(&entry.system)) }
            td { (entry.probe) }
            (error(entry.error.as_ref(), None))
            (error(entry.fresh.as_ref().map(|(_, error)| error), entry.fresh.map(|(draw, _)| draw)))
            (number(Some(entry.seeds as u64)))
            (number(entry.clips))
            (number(entry.trials))
            td { (entry.kind.name()) }
            td { (linked(&entry.folder, entry.report.as_deref())) }
        }
    }
}

fn linked(text: &str, to: Option<&str>) -> Markup {
    html! { @match to { Some(path) => a href=(path) { (text) }, None => (text) } }
}

fn error(error: Option<&Estimate>, draw: Option<u64>) -> Markup {
    html! {
        td class="n" data-value=[error.map(|error| error.mse)] {
            @match error {
                Some(error) => {
                    (format!("{:.3}", error.mse))
                    @if let Some(interval) = error.interval { span class="interval" { (format!(" ± {:.3}", interval.half_width())) } }
                    @if let Some(draw) = draw { span class="interval" { " (draw " (draw) ")" } }
                }
                None => span class="none" { "–" },
            }
        }
    }
}

fn number(value: Option<u64>) -> Markup {
    html! { td class="n" data-value=[value] { @match value { Some(value) => (value), None => span class="none" { "–" } } } }
}
