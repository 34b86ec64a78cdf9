//! A run in one table: the mean error of each encoder on every system, by the first probe.

use super::{
    SET_OFF, encoders_of,
    grid::{Entry, Grid, Line},
    interval_is,
    notes::Notes,
    random_is,
    scores::mean,
    title,
};
use crate::{
    board::{Board, Row, System},
    cell::Initialisation,
    result::Track,
    statistics,
};

/// The table; none for a run on one system, or without scores.
pub(crate) fn table(board: &Board<'_>, track: Track) -> Option<Grid> {
    let probe = board.systems.iter().find_map(|system| system.probes(track).first().copied())?;
    let mut encoders: Vec<(&str, Initialisation)> = Vec::new();
    for row in board.systems.iter().flat_map(|system| &system.rows) {
        let encoder = (row.cell.method.as_str(), row.cell.initialisation);
        if !encoders.contains(&encoder) {
            encoders.push(encoder);
        }
    }
    // Encoders that are left out of the first systems come after those of their method; floors are last.
    let methods: Vec<&str> = encoders.iter().map(|(method, _)| *method).collect();
    let place = |method: &str| methods.iter().position(|other| *other == method);
    encoders.sort_by_key(|&(method, initialisation)| (initialisation == Initialisation::None, place(method)));

    let mut columns = vec!["method".to_owned()];
    for system in &board.systems {
        columns.push(system.name.replace('_', " "));
        columns.extend(system.has_held_out().then(|| "held-out".to_owned()));
    }
    columns.push("mean rank".to_owned());
    let mut rows: Vec<Line> = Vec::new();
    let mut notes = Notes::default();
    let mut floors = false;
    for (method, initialisation) in encoders {
        let of = |system: &'_ System<'_>| -> Option<usize> {
            let is = |row: &Row<'_>| (row.cell.method.as_str(), row.cell.initialisation) == (method, initialisation);
            system.rows.iter().position(is)
        };
        let mut name = None;
        let (mut ranks, mut flags) = (Vec::new(), Vec::new());
        let mut entries = Vec::new();
        for system in &board.systems {
            let row = of(system).map(|place| &system.rows[place]);
            name = name.or(row.map(Row::name));
            flags.extend(row.iter().flat_map(|row| &row.notes).map(|note| format!("{}: {note}", system.name)));
            // A floor has a probe of its own.
            let score = row.and_then(|row| {
                row.score(track, probe)
                    .or_else(|| row.scores.iter().find(|score| score.track == track && row.is_floor()))
            });
            ranks.extend(score.and_then(|score| score.rank));
            entries.push(score.map_or(Entry::plain("-"), mean));
            entries.extend(system.has_held_out().then(|| Entry::number(score.and_then(|score| score.held_out), 3)));
        }
        let complete = ranks.len() == board.systems.len();
        entries.push(Entry::number(statistics::mean(&ranks).filter(|_| complete), 1));
        if entries.iter().all(|entry| entry.text == "-") {
            continue;
        }
        entries.insert(0, Entry::noted(name.unwrap_or_default(), &flags, &mut notes));
        let floor = initialisation == Initialisation::None;
        rows.push(Line { entries, ruled: floor && !floors && !rows.is_empty() });
        floors |= floor;
    }
    let title = title(board, "all systems", encoders_of(track));
    let legend = format!(
        "MSE of labels on the test split by the {probe} probe (floors: their own), 1 = predicting the mean, ± {}. {SET_OFF}{}",
        interval_is(board),
        random_is(track)
    );
    let grid = Grid { title, legend, columns, words: 1, rows, notes: notes.into_lines() };
    (board.systems.len() > 1 && !grid.rows.is_empty()).then_some(grid)
}
