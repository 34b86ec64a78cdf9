//! A run in one table: the mean error of each encoder on every system, by the first probe.

use physrep_records::{Initialisation, Track};
use physrep_statistics::mean;

use super::{
    footnotes::Footnotes,
    table::{Column, Entry, Line, Table, Value},
    wording::{EMPHASIS, encoders, interval, random_initialisation, title},
};
use crate::leaderboard::{Key, Leaderboard, Row, names};

/// The table by the first probe; none for a run on one system, or without scores.
pub(crate) fn table(leaderboard: &Leaderboard<'_>, track: Track) -> Option<Table> {
    let probe = leaderboard.systems.iter().find_map(|system| system.probes(track).first().copied())?;
    by_probe(leaderboard, track, probe).filter(|_| leaderboard.systems.len() > 1)
}

/// The table by the first probe as far as there are scores; none without any.
pub(crate) fn scores_so_far(leaderboard: &Leaderboard<'_>) -> Option<Table> {
    let probe = leaderboard.systems.iter().find_map(|system| system.probes(Track::Frozen).first().copied())?;
    let mut table = by_probe(leaderboard, Track::Frozen, probe)?;
    // Ranks among few say nothing.
    table.columns.pop();
    table.lines.iter_mut().for_each(|line| drop(line.entries.pop()));
    Some(Table { title: format!("test error so far, {probe} probe (1 = predicting the mean)"), ..table })
}

/// The table by a probe; none without scores.
pub(crate) fn by_probe(leaderboard: &Leaderboard<'_>, track: Track, probe: &str) -> Option<Table> {
    let mut columns = vec![Column::text("method")];
    columns.extend(leaderboard.systems.iter().map(|system| Column::number(system.name.replace('_', " "))));
    columns.push(Column::number("mean rank"));
    let mut lines: Vec<Line> = Vec::new();
    let mut footnotes = Footnotes::default();
    let mut above = None;
    for (keys, rows) in encoders_of(leaderboard) {
        let Some(scores) = scores(leaderboard, &rows, track, probe) else { continue };
        let notes = leaderboard.systems.iter().zip(&rows).flat_map(|(system, row)| {
            row.iter().flat_map(|row| &row.notes).map(|note| format!("{}: {note}", system.name))
        });
        let group = group(keys[0]);
        let mut entries = vec![footnotes.named(names::of(keys.into_iter()), notes)];
        entries.extend(scores);
        lines.push(Line { entries, ruled: above.is_some_and(|above| above != group) });
        above = Some(group);
    }
    let legend = format!(
        "MSE of labels on the test split by the {probe} probe (floors: their own), 1 = predicting the mean, ± {}. {EMPHASIS}{}",
        interval(leaderboard),
        random_initialisation(track)
    );
    let title = title(leaderboard, "all systems", encoders(track));
    let table = Table { title, legend, columns, lines, notes: footnotes.into_lines() };
    (!table.lines.is_empty()).then_some(table)
}

/// An encoder: its methods and initialisations, and its row on each system that has it.
type OnAllSystems<'s, 'a> = (Vec<Key<'a>>, Vec<Option<&'s Row<'a>>>);

/// The encoders of all systems in the order of the table. Methods whose rows are the same on every system are one encoder.
fn encoders_of<'s, 'a>(leaderboard: &'s Leaderboard<'a>) -> Vec<OnAllSystems<'s, 'a>> {
    let mut encoders: Vec<OnAllSystems<'s, 'a>> = Vec::new();
    for key in order(leaderboard) {
        let rows: Vec<Option<&Row<'_>>> =
            leaderboard.systems.iter().map(|system| system.rows.iter().find(|row| row.is(key))).collect();
        let same = |one: &Option<&Row<'_>>, other: &Option<&Row<'_>>| match (one, other) {
            (Some(one), Some(other)) => std::ptr::eq(*one, *other),
            (one, other) => one.is_none() && other.is_none(),
        };
        match encoders.iter_mut().find(|(_, known)| known.iter().zip(&rows).all(|(one, other)| same(one, other))) {
            Some((keys, _)) => keys.push(key),
            None => encoders.push((vec![key], rows)),
        }
    }
    encoders
}

/// The methods and initialisations of all systems: one that the first systems do not have comes after the others of its method; embeddings
/// made elsewhere come behind the methods, and floors are last.
fn order<'a>(leaderboard: &Leaderboard<'a>) -> Vec<Key<'a>> {
    let own = leaderboard.rows().filter_map(|row| row.keys().next());
    let mut keys: Vec<Key<'a>> = Vec::new();
    for key in own.chain(leaderboard.rows().flat_map(Row::keys)) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let methods: Vec<&str> = keys.iter().map(|(method, _)| *method).collect();
    let place = |method: &str| methods.iter().position(|other| *other == method);
    keys.sort_by_key(|&key| (group(key), place(key.0)));
    keys
}

/// The part of the table that a row is in; a rule separates the parts.
fn group((_, initialisation): Key<'_>) -> u8 {
    match initialisation {
        Initialisation::Pretrained | Initialisation::Joint | Initialisation::Random => 0,
        Initialisation::Elsewhere => 1,
        Initialisation::None => 2,
    }
}

/// The scores of an encoder on every system and its mean rank, if it has a rank on all of them; none without any value.
fn scores(leaderboard: &Leaderboard<'_>, rows: &[Option<&Row<'_>>], track: Track, probe: &str) -> Option<Vec<Entry>> {
    let (mut ranks, mut entries) = (Vec::new(), Vec::new());
    for row in rows {
        let score = row.and_then(|row| row.score_or_own(track, probe));
        ranks.extend(score.and_then(|score| score.rank));
        entries.push(Entry::score(score));
    }
    let complete = ranks.len() == leaderboard.systems.len();
    entries.push(Entry::number(mean(&ranks).filter(|_| complete), 1));
    entries.iter().any(|entry| entry.value != Value::Missing).then_some(entries)
}
