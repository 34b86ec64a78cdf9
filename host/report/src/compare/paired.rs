//! Two runs on the same test trajectories: paired differences.

use physrep_statistics::{Comparison, Difference, Resampler, holm, is_significant};

use crate::{
    leaderboard::{Row, RowScore, errors},
    tables::table::{Column, Entry, Line, Table, Value},
};

const LEGEND: &str = "MSE of labels on test of A and B, and their difference with its 95 % intervals. p: of a paired test, with Holm's \
                      correction for all rows of the system by the same probe; a difference below 0.05 is significant.";

/// The table of the rows that both runs have.
pub(super) fn table(title: String, both: &[(&Row<'_>, &Row<'_>)], resampler: &Resampler) -> Table {
    let [method, track, probe, verdict] = ["method", "track", "probe", "B is"].map(Column::text);
    let numbers = ["MSE of A", "of B", "B - A", "over trajectories", "over seeds", "p"].map(Column::number);
    let mut compared: Vec<Compared<'_>> = both.iter().flat_map(|(a, b)| compared(a, b, resampler)).collect();
    correct(&mut compared);
    Table {
        title,
        legend: LEGEND.to_owned(),
        columns: [method, track, probe].into_iter().chain(numbers).chain([verdict]).collect(),
        lines: compared.iter().map(|one| Line::plain(one.entries())).collect(),
        notes: Vec::new(),
    }
}

/// A row by one probe in both runs.
struct Compared<'s> {
    name: String,
    a: &'s RowScore,
    b: &'s RowScore,
    comparison: Comparison,
    /// The corrected p-value.
    p: Option<f64>,
}

/// The comparisons of one row, not yet corrected.
fn compared<'s>(a: &'s Row<'_>, b: &'s Row<'_>, resampler: &Resampler) -> Vec<Compared<'s>> {
    let of = |score: &'s RowScore| {
        let errors = |row: &Row<'_>| errors(&row.records, score.track, &score.probe, 1.0);
        let theirs = b.score(score.track, &score.probe)?;
        let comparison = physrep_statistics::compare(&errors(b), &errors(a), resampler)?;
        Some(Compared { name: a.name(), a: score, b: theirs, comparison, p: None })
    };
    a.scores.iter().filter_map(of).collect()
}

/// Corrects the p-values, those of each track and probe as a family.
fn correct(compared: &mut [Compared<'_>]) {
    let probe = |one: &Compared<'_>| (one.a.track, one.a.probe.clone());
    let families: Vec<Option<f64>> = compared
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let of_family = compared.iter().map(|other| other.comparison.p().filter(|_| probe(other) == probe(one)));
            holm(&of_family.collect::<Vec<_>>())[index]
        })
        .collect();
    compared.iter_mut().zip(families).for_each(|(one, p)| one.p = p);
}

impl Compared<'_> {
    fn entries(&self) -> Vec<Entry> {
        let Comparison { difference, over_trajectories, over_seeds } = self.comparison;
        let range = |test: Option<Difference>| {
            Entry::range(test.map(|test| test.interval.low), test.map(|test| test.interval.high))
        };
        let verdict = match self.p.is_some_and(is_significant) {
            _ if difference == 0.0 => "the same",
            false => "not significantly different",
            true if difference < 0.0 => "better",
            true => "worse",
        };
        vec![
            Entry::text(&self.name),
            Entry::text(self.a.track.to_string()),
            Entry::text(&self.a.probe),
            Entry::number(Some(self.a.test.mse), 3),
            Entry::number(Some(self.b.test.mse), 3),
            Value::Difference { value: difference, interval: None }.into(),
            range(over_trajectories),
            range(over_seeds),
            self.p.map_or(Value::Missing, Value::Probability).into(),
            Entry::text(verdict),
        ]
    }
}
