//! Does pretraining help? One line per method and system: the pretrained encoder against its random initialisation.

use physrep_records::Track;

use super::{
    table::{Column, Entry, Line, Table, Value},
    wording::{encoders, interval, title},
};
use crate::leaderboard::{Leaderboard, Pretraining, Verdict};

/// One table for each probe of a track that any method can be compared by.
pub(crate) fn tables(leaderboard: &Leaderboard<'_>, track: Track) -> Vec<Table> {
    let mut probes: Vec<&str> = Vec::new();
    for probe in leaderboard.systems.iter().flat_map(|system| system.probes(track)) {
        if !probes.contains(&probe) {
            probes.push(probe);
        }
    }
    probes.into_iter().filter_map(|probe| table(leaderboard, track, probe)).collect()
}

fn table(leaderboard: &Leaderboard<'_>, track: Track, probe: &str) -> Option<Table> {
    let pairs = leaderboard.pretraining(track, probe);
    let columns = vec![
        Column::text("method"),
        Column::text("system"),
        Column::number("pretrained"),
        Column::number("random init"),
        Column::number("difference"),
        Column::number("p"),
        Column::text("helps"),
    ];
    let legend = format!(
        "MSE of labels on test, ± {}. Difference: pretrained minus random init, with its interval of the same kind; p: of a paired test, \
         with Holm's correction for the {} of this table. Yes: significantly lower (p < 0.05); no: significantly higher.",
        interval(leaderboard),
        match pairs.len() {
            1 => "1 comparison".to_owned(),
            number => format!("{number} comparisons"),
        }
    );
    let what = format!("{}, does pretraining help? {probe} probe", encoders(track));
    let title = title(leaderboard, "all systems", &what);
    let lines: Vec<Line> = pairs.iter().map(|pair| Line::plain(entries(pair))).collect();
    (!lines.is_empty()).then(|| Table { title, legend, columns, lines, notes: Vec::new() })
}

fn entries(pair: &Pretraining<'_, '_>) -> Vec<Entry> {
    let comparison = &pair.comparison;
    let tested = comparison.over_seeds.or(comparison.over_trajectories);
    let verdict = match pair.verdict {
        Verdict::Yes => "yes",
        Verdict::No => "no",
        Verdict::NotSignificant => "not significant",
    };
    vec![
        Entry::text(pair.row.name()),
        Entry::text(pair.system.replace('_', " ")),
        Entry::error(Some(pair.pretrained)),
        Entry::error(Some(pair.random)),
        Value::Difference { value: comparison.difference, interval: tested.map(|test| test.interval) }.into(),
        pair.p.map_or(Value::Missing, Value::Probability).into(),
        Entry::text(verdict),
    ]
}
