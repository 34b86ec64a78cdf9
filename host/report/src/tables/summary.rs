//! A run in one table: the mean error of each encoder on every system, by the first probe.

use physrep_records::{Initialisation, Track};
use physrep_statistics::mean;

use super::{
    footnotes::Footnotes,
    table::{Column, Entry, Line, Table, Value},
    wording::{EMPHASIS, encoders, interval, random_initialisation, title},
};
use crate::leaderboard::{Leaderboard, Row};

/// The table; none for a run on one system, or without scores.
pub(crate) fn table(leaderboard: &Leaderboard<'_>, track: Track) -> Option<Table> {
    let probe = leaderboard.systems.iter().find_map(|system| system.probes(track).first().copied())?;
    let mut columns = vec![Column::text("method")];
    for system in &leaderboard.systems {
        columns.push(Column::number(system.name.replace('_', " ")));
        columns.extend(system.has_held_out().then(|| Column::number("held-out")));
    }
    columns.push(Column::number("mean rank"));
    let mut lines: Vec<Line> = Vec::new();
    let mut footnotes = Footnotes::default();
    let mut floors = false;
    for (method, initialisation) in order(leaderboard) {
        let rows: Vec<Option<&Row<'_>>> = leaderboard
            .systems
            .iter()
            .map(|system| system.rows.iter().find(|row| row.key() == (method, initialisation)))
            .collect();
        let Some(scores) = scores(leaderboard, &rows, track, probe) else { continue };
        let name = rows.iter().flatten().map(|row| row.name()).next().unwrap_or_default();
        let notes = leaderboard.systems.iter().zip(&rows).flat_map(|(system, row)| {
            row.iter().flat_map(|row| &row.notes).map(|note| format!("{}: {note}", system.name))
        });
        let mut entries = vec![footnotes.named(name, notes)];
        entries.extend(scores);
        let floor = initialisation == Initialisation::None;
        lines.push(Line { entries, ruled: floor && !floors && !lines.is_empty() });
        floors |= floor;
    }
    let legend = format!(
        "MSE of labels on the test split by the {probe} probe (floors: their own), 1 = predicting the mean, ± {}. {EMPHASIS}{}",
        interval(leaderboard),
        random_initialisation(track)
    );
    let title = title(leaderboard, "all systems", encoders(track));
    let table = Table { title, legend, columns, lines, notes: footnotes.into_lines() };
    (leaderboard.systems.len() > 1 && !table.lines.is_empty()).then_some(table)
}

/// The encoders of all systems in the order of the table: an encoder that the first systems do not have comes after the others of its
/// method; floors are last.
fn order<'a>(leaderboard: &Leaderboard<'a>) -> Vec<(&'a str, Initialisation)> {
    let mut encoders: Vec<(&str, Initialisation)> = Vec::new();
    for row in leaderboard.rows() {
        if !encoders.contains(&row.key()) {
            encoders.push(row.key());
        }
    }
    let methods: Vec<&str> = encoders.iter().map(|(method, _)| *method).collect();
    let place = |method: &str| methods.iter().position(|other| *other == method);
    encoders.sort_by_key(|&(method, initialisation)| (initialisation == Initialisation::None, place(method)));
    encoders
}

/// The scores of an encoder on every system and its mean rank, if it has a rank on all of them; none without any value.
fn scores(leaderboard: &Leaderboard<'_>, rows: &[Option<&Row<'_>>], track: Track, probe: &str) -> Option<Vec<Entry>> {
    let (mut ranks, mut entries) = (Vec::new(), Vec::new());
    for (system, row) in leaderboard.systems.iter().zip(rows) {
        let score = row.and_then(|row| row.score_or_own(track, probe));
        ranks.extend(score.and_then(|score| score.rank));
        entries.push(Entry::score(score));
        entries.extend(system.has_held_out().then(|| Entry::number(score.and_then(|score| score.held_out), 3)));
    }
    let complete = ranks.len() == leaderboard.systems.len();
    entries.push(Entry::number(mean(&ranks).filter(|_| complete), 1));
    entries.iter().any(|entry| entry.value != Value::Missing).then_some(entries)
}
