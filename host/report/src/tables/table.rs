//! A table as typed values, before it has a form.

use physrep_statistics::Interval;

use crate::leaderboard::{Estimate, RowScore, Significance};

/// A table: what it shows, not how it looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// What it shows, in short.
    pub(crate) title: String,
    /// How to read it.
    pub(crate) legend: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) lines: Vec<Line>,
    /// The footnotes that entries refer to by number, counted from 1.
    pub(crate) notes: Vec<String>,
}

/// The head of a column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Whether it holds numbers, which are aligned to the right.
    pub(crate) numeric: bool,
}

/// One line of a table: as many entries as there are columns.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) entries: Vec<Entry>,
    /// Whether a rule separates it from the line above.
    pub(crate) ruled: bool,
}

/// A value, its style, and the numbers of its footnotes.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) style: Style,
    pub(crate) notes: Vec<usize>,
}

/// What an entry holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Words.
    Text(String),
    /// A checksum, of which the start is enough where it can be pointed at.
    Checksum(String),
    /// A value with a fixed number of decimals.
    Number { value: f64, decimals: usize },
    /// A count, without decimals.
    Count(u64),
    /// A rank, with a decimal only where ranks are shared.
    Rank(f64),
    /// A mean squared error with its interval and the spread of fits, with three decimals.
    Error(Estimate),
    /// A difference and its interval, with its sign and three decimals.
    Difference { value: f64, interval: Option<Interval> },
    /// A p-value, with three decimals.
    Probability(f64),
    /// From one value to another, with two significant digits.
    Range { low: f64, high: f64 },
    /// A value out of a total, such as `12.3 of 64`.
    OutOf { value: f64, total: usize },
    /// The sizes of an array.
    Shape([usize; 2]),
    /// There is no value.
    Missing,
}

/// How an entry is emphasised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    /// The best of its column.
    Best,
    /// Not significantly different from the best.
    Tied,
}

impl Column {
    pub(crate) fn text(name: impl Into<String>) -> Self {
        Self { name: name.into(), numeric: false }
    }

    pub(crate) fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), numeric: true }
    }
}

impl Line {
    pub(crate) fn plain(entries: Vec<Entry>) -> Self {
        Self { entries, ruled: false }
    }
}

impl From<Value> for Entry {
    fn from(value: Value) -> Self {
        Self { value, style: Style::Plain, notes: Vec::new() }
    }
}

impl Entry {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Value::Text(text.into()).into()
    }

    /// A value with a fixed number of decimals, or none.
    pub(crate) fn number(value: Option<f64>, decimals: usize) -> Self {
        value.map_or(Value::Missing, |value| Value::Number { value, decimals }).into()
    }

    /// From one value to another, or none.
    pub(crate) fn range(low: Option<f64>, high: Option<f64>) -> Self {
        low.zip(high).map_or(Value::Missing, |(low, high)| Value::Range { low, high }).into()
    }

    /// A mean squared error, or none.
    pub(crate) fn error(error: Option<Estimate>) -> Self {
        error.map_or(Value::Missing, Value::Error).into()
    }

    /// A mean squared error, emphasised by how it compares with the best; none without a score.
    pub(crate) fn score(score: Option<&RowScore>) -> Self {
        let style = match score.map(|score| score.significance) {
            Some(Significance::Best) => Style::Best,
            Some(Significance::Tied) => Style::Tied,
            Some(Significance::Worse | Significance::Unranked) | None => Style::Plain,
        };
        Self { style, ..Self::error(score.map(|score| score.test)) }
    }
}
