//! Two runs on two draws of a suite, which have no trajectory in common: each error has an interval of its own.

use physrep_records::SuiteFacts;
use physrep_statistics::{Interval, difference_of_independent};

use crate::{
    leaderboard::{Row, RowScore},
    tables::table::{Column, Entry, Line, Table, Value},
};

/// The table of the rows that both runs have.
pub(super) fn table(system: &str, both: &[(&Row<'_>, &Row<'_>)], suites: [&SuiteFacts; 2]) -> Table {
    let of_row = |(a, b): &(&Row<'_>, &Row<'_>)| -> Vec<(Line, Option<bool>)> {
        let scores = a.scores.iter().filter_map(|score| Some((score, b.score(score.track, &score.probe)?)));
        scores.map(|(one, two)| line(a.name(), one, two)).collect()
    };
    let (lines, within): (Vec<Line>, Vec<Option<bool>>) = both.iter().flat_map(of_row).unzip();
    let count = |expected: bool| within.iter().filter(|within| **within == Some(expected)).count();
    let legend = format!(
        "MSE of labels on test, ± half of the 95 % interval. A draw has its own trajectories of every split, so errors are not paired: the \
         interval of the difference is that of two independent errors. It contains 0 in {} of {} rows; for errors that differ by chance \
         alone, 1 of 20 intervals does not. An interval over test trajectories does not cover that probes and encoders saw other \
         trajectories of train.",
        count(true),
        count(true) + count(false)
    );
    let [method, track, probe, verdict] = ["method", "track", "probe", "the difference is"].map(Column::text);
    let [one, two] = suites.map(|suite| suite.draw);
    let [a, b] = [("A", one), ("B", two)].map(|(run, draw)| Column::number(format!("{run}, draw {draw}")));
    let columns = vec![method, track, probe, a, b, Column::number("B - A"), verdict];
    let title = format!("{system} (suite {} v{}, draws {one} and {two})", suites[0].name, suites[0].version);
    Table { title, legend, columns, lines, notes: Vec::new() }
}

/// A row by one probe on both draws, and whether the intervals allow for the difference; unknown without intervals.
fn line(name: String, a: &RowScore, b: &RowScore) -> (Line, Option<bool>) {
    let interval: Option<Interval> = a
        .test
        .interval
        .zip(b.test.interval)
        .map(|(of_a, of_b)| difference_of_independent((b.test.mse, of_b), (a.test.mse, of_a)));
    let within = interval.map(|interval| interval.contains(0.0));
    let verdict = match within {
        Some(true) => Entry::text("within the intervals"),
        Some(false) => Entry::text("beyond the intervals"),
        None => Value::Missing.into(),
    };
    let entries = vec![
        Entry::text(name),
        Entry::text(a.track.to_string()),
        Entry::text(&a.probe),
        Entry::error(Some(a.test)),
        Entry::error(Some(b.test)),
        Value::Difference { value: b.test.mse - a.test.mse, interval }.into(),
        verdict,
    ];
    (Line::plain(entries), within)
}
