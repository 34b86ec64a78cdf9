//! A table before it has a form.

use super::notes::Notes;

/// A table: what stands in it, not how it looks.
pub(super) struct Grid {
    /// What it shows, in short.
    pub(super) title: String,
    /// How to read it.
    pub(super) legend: String,
    /// The heads of the columns.
    pub(super) columns: Vec<String>,
    /// Columns of words, the first ones; numbers follow.
    pub(super) words: usize,
    /// The lines.
    pub(super) rows: Vec<Line>,
    /// The notes that entries refer to by number, counted from 1.
    pub(super) notes: Vec<String>,
}

/// One line of a table.
pub(super) struct Line {
    pub(super) entries: Vec<Entry>,
    /// Whether a rule sets it off from the line above.
    pub(super) ruled: bool,
}

/// What stands in one place.
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) style: Style,
    /// Numbers of notes.
    pub(super) notes: Vec<usize>,
}

/// How an entry is set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    /// The best of its column.
    Best,
    /// Not clearly different from the best.
    Tied,
}

impl Entry {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::Plain, notes: Vec::new() }
    }

    /// A number with so many decimals, or a dash.
    pub(super) fn number(value: Option<f64>, decimals: usize) -> Self {
        Self::plain(value.map_or("-".to_owned(), |value| format!("{value:.decimals$}")))
    }

    /// A name, with the numbers that `notes` has for what must be known of it.
    pub(super) fn noted(text: String, of: &[String], notes: &mut Notes) -> Self {
        Self { text, style: Style::Plain, notes: of.iter().map(|note| notes.number(note)).collect() }
    }
}

impl Grid {
    /// Its text with the numbers of its notes, such as `jepa [1, 2]`.
    pub(super) fn text(entry: &Entry) -> String {
        if entry.notes.is_empty() {
            return entry.text.clone();
        }
        let numbers: Vec<String> = entry.notes.iter().map(usize::to_string).collect();
        format!("{} [{}]", entry.text, numbers.join(", "))
    }
}
