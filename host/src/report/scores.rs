//! The scores: of all systems in one table, and of each system by probe and by parameter.

use maud::{Markup, html};

use super::{
    rows::{first_probe, frozen_score, spaced},
    table::{Column, Entry, Notes, Table, fixed},
};
use crate::{
    board::{Board, Row, Score, Standing, System},
    result::Track,
    statistics,
};

/// One row an encoder, one column a system; none for a run on one system.
pub(super) fn summary(board: &Board<'_>) -> Option<Markup> {
    if board.systems.len() < 2 {
        return None;
    }
    let mut names: Vec<(String, bool)> = Vec::new();
    for row in board.systems.iter().flat_map(|system| &system.rows) {
        let key = (row.name(), row.is_floor());
        if !names.contains(&key) {
            names.push(key);
        }
    }
    // What the first systems leave out comes after what they have; floors are last.
    names.sort_by_key(|(_, floor)| *floor);
    let mut columns = vec![Column::text("Method")];
    for system in &board.systems {
        columns.push(Column::number(spaced(system.name)));
        columns.extend(system.has_held_out().then(|| Column::number("held-out")));
    }
    columns.push(Column::number("mean rank"));
    let id = "scores-all";
    let mut notes = Notes::default();
    let mut rows = Vec::new();
    for (name, _) in &names {
        let mut entries = Vec::new();
        let (mut ranks, mut flags) = (Vec::new(), Vec::new());
        for system in &board.systems {
            let row = system.rows.iter().find(|row| row.name() == *name);
            let score = row.and_then(|row| frozen_score(system, row));
            flags.extend(row.iter().flat_map(|row| &row.notes).map(|note| format!("{}: {note}", spaced(system.name))));
            ranks.extend(score.and_then(|score| score.rank));
            entries.push(score.map_or_else(|| Entry::number(None, 3), error));
            entries.extend(system.has_held_out().then(|| Entry::number(score.and_then(|score| score.held_out), 3)));
        }
        let rank = statistics::mean(&ranks).filter(|_| ranks.len() == board.systems.len());
        entries.push(Entry::number(rank, 1));
        entries.insert(0, named(name, notes.links(id, &flags)));
        rows.push(entries);
    }
    let rule = names.iter().position(|(_, floor)| *floor).filter(|&place| place > 0);
    let probe = board.systems.iter().find_map(|system| first_probe(system)).unwrap_or("mean");
    let caption = html! {
        "All systems, frozen encoders: MSE by the " (probe) " probe (floors: their own), ± " (interval_is(board)) ". " (SET_OFF)
    };
    Some(Table { id: id.into(), caption, columns, rows, notes, rule }.render())
}

/// A system's tables: by probe, and, folded, by parameter.
pub(super) fn system(board: &Board<'_>, system: &System<'_>) -> Markup {
    html! {
        @for track in [Track::Frozen, Track::EndToEnd] {
            @if let Some(table) = by_probe(board, system, track) { (table.render()) }
        }
        @for track in [Track::Frozen, Track::EndToEnd] {
            @if let Some(table) = by_parameter(system, track) {
                details {
                    summary { "By parameter, " (of(track)) }
                    (table.render())
                }
            }
        }
    }
}

/// One row an encoder, one column a probe.
fn by_probe(board: &Board<'_>, system: &System<'_>, track: Track) -> Option<Table> {
    let probes = system.probes(track);
    let held_out = system.has_held_out().then(|| first_probe(system)).flatten();
    let id = format!("scores-{}-{track}", system.name);
    let mut columns = vec![Column::text("Method")];
    columns.extend(probes.iter().map(|probe| Column::number(*probe)));
    columns.extend(held_out.map(|probe| Column::number(format!("held-out, {probe}"))));
    let mut notes = Notes::default();
    let (mut rows, mut rule) = (Vec::new(), None);
    for row in &system.rows {
        // A row without scores stands in the first table, with its reason.
        let scored = row.scores.iter().any(|score| score.track == track);
        if !scored && (track != Track::Frozen || !row.scores.is_empty()) {
            continue;
        }
        if row.is_floor() && rule.is_none() && !rows.is_empty() {
            rule = Some(rows.len());
        }
        // The mean is the same whatever the probe.
        let by = |probe: &str| row.score(track, probe).or_else(|| row.score(track, "mean"));
        let mut entries = vec![named(&row.name(), notes.links(&id, &row.notes))];
        entries.extend(probes.iter().map(|probe| by(probe).map_or_else(|| Entry::number(None, 3), error)));
        entries.extend(held_out.map(|probe| {
            let score = by(probe).or_else(|| frozen_score(system, row).filter(|_| row.is_floor()));
            Entry::number(score.and_then(|score| score.held_out), 3)
        }));
        rows.push(entries);
    }
    let caption = html! {
        (spaced(system.name)) ", " (of(track)) ": MSE on test by each probe, ± " (interval_is(board)) ". " (SET_OFF)
    };
    (!rows.is_empty()).then_some(Table { id, caption, columns, rows, notes, rule })
}

/// One row an encoder and a probe, one column a parameter.
fn by_parameter(system: &System<'_>, track: Track) -> Option<Table> {
    let mut columns = vec![Column::text("Method"), Column::text("Probe")];
    columns.extend(system.parameters.iter().map(|name| Column::number(*name)));
    columns.extend(["mean", "R²", "by trajectory", "rank"].map(Column::number));
    columns.extend(system.has_held_out().then(|| Column::number("held-out")));
    let (mut rows, mut rule) = (Vec::new(), None);
    for row in &system.rows {
        for score in row.scores.iter().filter(|score| score.track == track) {
            if row.is_floor() && rule.is_none() && !rows.is_empty() {
                rule = Some(rows.len());
            }
            let mut entries = vec![Entry::text(row.name()), Entry::text(&score.probe)];
            entries.extend(score.parameters.iter().map(|&mse| Entry::number(Some(mse), 3)));
            entries.push(error(score));
            entries.push(Entry::number(score.mean.r2, 3));
            entries.push(Entry::number(Some(score.mean.trajectory_mse), 3));
            entries.push(Entry::number(score.rank, 1));
            entries.extend(system.has_held_out().then(|| Entry::number(score.held_out, 3)));
            rows.push(entries);
        }
    }
    let caption = html! {
        (spaced(system.name)) ", " (of(track)) ": MSE on test by parameter. By trajectory: of the mean prediction over a trajectory's "
        "windows. Rank: among encoders with the same probe."
    };
    let id = format!("parameters-{}-{track}", system.name);
    (!rows.is_empty()).then_some(Table { id, caption, columns, rows, notes: Notes::default(), rule })
}

/// A mean error with its interval, set off as it stands to the best.
fn error(score: &Score) -> Entry {
    let number = fixed(score.mean.mse, 3);
    let content = html! {
        @match score.standing {
            Standing::Best => { strong { (number) } span class="unseen" { " (best)" } }
            Standing::Tied => { u { (number) } span class="unseen" { " (tied with the best)" } }
            Standing::Other => { (number) }
        }
        @if let Some(interval) = score.interval {
            span class="interval" { " ± " (fixed(interval.half_width(), 3)) }
        }
    };
    Entry { content, value: Some(score.mean.mse) }
}

fn named(name: &str, links: Markup) -> Entry {
    Entry { content: html! { (name) (links) }, value: None }
}

fn of(track: Track) -> &'static str {
    match track {
        Track::Frozen => "frozen encoders",
        Track::EndToEnd => "trained end to end with labels",
    }
}

/// How an error is set off.
const SET_OFF: &str = "Bold: the lowest; underlined: not clearly different from it.";

/// What stands behind a plus-minus sign.
pub(super) fn interval_is(board: &Board<'_>) -> &'static str {
    match board.seeds() {
        0 | 1 => "half the 95 % bootstrap interval over test trajectories (one seed)",
        _ => "half the 95 % t interval over seeds",
    }
}

/// Every row that is not done as it should be, with why.
pub(super) fn failures(board: &Board<'_>) -> Vec<String> {
    let unfinished = |system: &str, row: &Row<'_>| -> Vec<String> {
        let of = |note: &&String| note.contains(" failed: ") || note.ends_with(" was not run");
        row.notes.iter().filter(of).map(|note| format!("{} on {}, {note}", row.name(), spaced(system))).collect()
    };
    board.systems.iter().flat_map(|system| system.rows.iter().flat_map(|row| unfinished(system.name, row))).collect()
}
