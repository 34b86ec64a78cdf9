//! The scores of one system.

use super::{
    SET_OFF, encoders_of,
    grid::{Entry, Grid, Line, Style},
    interval_is,
    notes::Notes,
    random_is, title, with_interval,
};
use crate::{
    board::{Board, Row, Score, Standing, System},
    result::Track,
};

/// One line an encoder, one column a probe; behind them the held-out parameters by the first probe.
pub(crate) fn overview(board: &Board<'_>, system: &System<'_>, track: Track) -> Option<Grid> {
    let probes = system.probes(track);
    let mut columns = vec!["method".to_owned()];
    columns.extend(probes.iter().map(|probe| (*probe).to_owned()));
    columns.extend(system.has_held_out().then(|| format!("held-out {}", probes.first().copied().unwrap_or("mean"))));
    let mut notes = Notes::default();
    let mut rows = Vec::new();
    for (row, ruled) in ruled(system) {
        let shown = |probe: &str| row.score(track, probe).or_else(|| row.score(track, "mean"));
        // A row without scores stands in the first track, with its reason.
        if row.scores.iter().all(|score| score.track != track) && (track != Track::Frozen || !row.scores.is_empty()) {
            continue;
        }
        let mut entries = vec![Entry::noted(row.name(), &row.notes, &mut notes)];
        entries.extend(probes.iter().map(|probe| shown(probe).map_or(Entry::plain("-"), mean)));
        if system.has_held_out() {
            let held_out = probes.first().and_then(|probe| shown(probe)).or(row.score(track, "mean"));
            entries.push(Entry::number(held_out.and_then(|score| score.held_out), 3));
        }
        rows.push(Line { entries, ruled });
    }
    let title = title(board, system.name, encoders_of(track));
    let legend = format!(
        "MSE of labels on the test split by each probe, 1 = predicting the mean, ± {}. {SET_OFF}{}",
        interval_is(board),
        random_is(track)
    );
    (!rows.is_empty()).then(|| Grid { title, legend, columns, words: 1, rows, notes: notes.into_lines() })
}

/// One line an encoder and a probe, one column a parameter.
pub(crate) fn by_parameter(board: &Board<'_>, system: &System<'_>, track: Track) -> Option<Grid> {
    let mut columns = ["method", "probe"].map(String::from).to_vec();
    columns.extend(system.parameters.iter().map(|name| (*name).to_owned()));
    columns.extend(["mean", "R2", "by trajectory", "rank"].map(String::from));
    columns.extend(system.has_held_out().then(|| "held-out".to_owned()));
    let mut rows = Vec::new();
    for (row, mut ruled) in ruled(system) {
        for score in row.scores.iter().filter(|score| score.track == track) {
            let mut entries = vec![Entry::plain(row.name()), Entry::plain(&score.probe)];
            entries.extend(score.parameters.iter().map(|&mse| Entry::number(Some(mse), 3)));
            entries.push(mean(score));
            entries.push(Entry::number(score.mean.r2, 3));
            entries.push(Entry::number(Some(score.mean.trajectory_mse), 3));
            entries.push(Entry::plain(score.rank.map_or("-".to_owned(), |rank| rank.to_string())));
            entries.extend(system.has_held_out().then(|| Entry::number(score.held_out, 3)));
            rows.push(Line { entries, ruled });
            ruled = false;
        }
    }
    let title = title(board, system.name, &format!("{}, by parameter", encoders_of(track)));
    let legend = format!(
        "MSE of labels on the test split, the mean ± {}. R2 against the split's own mean; by trajectory: of the mean prediction over a \
         trajectory's windows; rank: among encoders with the same probe.{}",
        interval_is(board),
        random_is(track)
    );
    (!rows.is_empty()).then(|| Grid { title, legend, columns, words: 2, rows, notes: Vec::new() })
}

/// One line an encoder and a probe, one column a share of the labels.
pub(crate) fn by_labels(board: &Board<'_>, system: &System<'_>) -> Option<Grid> {
    let scores = || system.rows.iter().flat_map(|row| &row.scores).filter(|score| score.track == Track::Frozen);
    let mut fractions: Vec<f64> = scores().flat_map(|score| score.by_labels.iter().map(|(f, ..)| *f)).collect();
    fractions.sort_unstable_by(f64::total_cmp);
    fractions.dedup();
    if fractions.len() < 2 {
        return None;
    }
    let mut columns = ["method", "probe"].map(String::from).to_vec();
    columns.extend(fractions.iter().map(|fraction| format!("{} %", (fraction * 1e4).round() / 1e2)));
    let mut rows = Vec::new();
    for (row, mut ruled) in ruled(system) {
        for score in row.scores.iter().filter(|score| score.track == Track::Frozen) {
            let mut entries = vec![Entry::plain(row.name()), Entry::plain(&score.probe)];
            entries.extend(fractions.iter().map(|fraction| {
                let found = score.by_labels.iter().find(|(of, ..)| of == fraction);
                found.map_or(Entry::plain("-"), |(_, mse, interval)| Entry::plain(with_interval(*mse, *interval)))
            }));
            rows.push(Line { entries, ruled });
            ruled = false;
        }
    }
    let title = title(board, system.name, "frozen encoders, with few labels");
    let legend = format!(
        "MSE of labels on the test split by probes that saw the labels of so many of the trajectories of train and of valid, ± {}.",
        interval_is(board)
    );
    Some(Grid { title, legend, columns, words: 2, rows, notes: Vec::new() })
}

/// The mean error with its interval, set off as it stands to the best.
pub(crate) fn mean(score: &Score) -> Entry {
    let style = match score.standing {
        Standing::Best => Style::Best,
        Standing::Tied => Style::Tied,
        Standing::Other => Style::Plain,
    };
    Entry { text: with_interval(score.mean.mse, score.interval), style, notes: Vec::new() }
}

/// The rows of a system, and whether a rule comes before each: above the floors.
pub(crate) fn ruled<'s, 'a>(system: &'s System<'a>) -> impl Iterator<Item = (&'s Row<'a>, bool)> {
    let first_floor = system.rows.iter().position(Row::is_floor).filter(|&place| place > 0);
    system.rows.iter().enumerate().map(move |(place, row)| (row, Some(place) == first_floor))
}
