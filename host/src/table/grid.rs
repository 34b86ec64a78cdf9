//! A table before it has a form.

use super::notes::Notes;

/// A table: what stands in it, not how it looks.
pub(crate) struct Grid {
    /// What it shows, in short.
    pub(crate) title: String,
    /// How to read it.
    pub(crate) legend: String,
    /// The heads of the columns.
    pub(crate) columns: Vec<String>,
    /// Columns of words, the first ones; numbers follow.
    pub(crate) words: usize,
    /// The lines.
    pub(crate) rows: Vec<Line>,
    /// The notes that entries refer to by number, counted from 1.
    pub(crate) notes: Vec<String>,
}

/// One line of a table.
pub(crate) struct Line {
    pub(crate) entries: Vec<Entry>,
    /// Whether a rule sets it off from the line above.
    pub(crate) ruled: bool,
}

/// What stands in one place.
pub(crate) struct Entry {
    pub(crate) text: String,
    pub(crate) style: Style,
    /// Numbers of notes.
    pub(crate) notes: Vec<usize>,
}

/// How an entry is set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    /// The best of its column.
    Best,
    /// Not clearly different from the best.
    Tied,
}

impl Entry {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::Plain, notes: Vec::new() }
    }

    /// A number with so many decimals, or a dash.
    pub(crate) fn number(value: Option<f64>, decimals: usize) -> Self {
        Self::plain(value.map_or("-".to_owned(), |value| format!("{value:.decimals$}")))
    }

    /// A name, with the numbers that `notes` has for what must be known of it.
    pub(super) fn noted(text: String, of: &[String], notes: &mut Notes) -> Self {
        Self { text, style: Style::Plain, notes: of.iter().map(|note| notes.number(note)).collect() }
    }
}

impl Grid {
    /// Its text with the numbers of its notes, such as `jepa [1, 2]`.
    pub(crate) fn text(entry: &Entry) -> String {
        if entry.notes.is_empty() {
            return entry.text.clone();
        }
        let numbers: Vec<String> = entry.notes.iter().map(usize::to_string).collect();
        format!("{} [{}]", entry.text, numbers.join(", "))
    }
}
