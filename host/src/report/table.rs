//! Tables of the page, with footnotes.

use maud::{Markup, html};

use super::figure::file_name;
use crate::table::grid::{self, Grid, Style};

/// A column.
pub(super) struct Column {
    pub name: String,
    /// Whether it has numbers, which stand at the right.
    pub numeric: bool,
}

/// A cell: what it shows, and what it is sorted by.
pub(super) struct Entry {
    pub content: Markup,
    pub value: Option<f64>,
}

/// A table.
pub(super) struct Table {
    pub id: String,
    pub caption: Markup,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Entry>>,
    /// Footnotes, numbered from 1.
    pub notes: Vec<String>,
    /// The row above which a rule stands.
    pub rule: Option<usize>,
}

impl Column {
    pub fn text(name: impl Into<String>) -> Self {
        Self { name: name.into(), numeric: false }
    }

    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), numeric: true }
    }
}

impl Entry {
    pub fn text(text: impl AsRef<str>) -> Self {
        Self { content: html! { (text.as_ref()) }, value: None }
    }

    /// A number with so many decimals, or a dash.
    pub fn number(value: Option<f64>, decimals: usize) -> Self {
        match value {
            Some(value) => Self { content: html! { (fixed(value, decimals)) }, value: Some(value) },
            None => Self { content: html! { span class="none" { "–" } }, value: None },
        }
    }
}

/// A number with so many decimals and a true minus.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}").replace('-', "−")
}

impl Table {
    /// A table of scores, costs or health, as all forms have it.
    pub fn of(grid: &Grid) -> Self {
        let id = file_name(&grid.title);
        let columns = grid.columns.iter().enumerate();
        let entries = |line: &grid::Line| -> Vec<Entry> {
            line.entries.iter().enumerate().map(|(place, entry)| shown(entry, place >= grid.words, &id)).collect()
        };
        Self {
            caption: html! { (grid.title) ". " (grid.legend) },
            columns: columns.map(|(place, name)| Column { name: name.clone(), numeric: place >= grid.words }).collect(),
            rows: grid.rows.iter().map(entries).collect(),
            notes: grid.notes.clone(),
            rule: grid.rows.iter().position(|line| line.ruled),
            id,
        }
    }

    /// The table in a frame of its own, which scrolls where the page is too narrow.
    pub fn render(&self) -> Markup {
        html! {
            div class="scroll" role="region" tabindex="0" aria-labelledby={ (self.id) "-caption" } {
                table id=(self.id) class="sortable" {
                    caption id={ (self.id) "-caption" } { (self.caption) }
                    thead {
                        tr {
                            @for column in &self.columns {
                                th scope="col" class=[column.numeric.then_some("n")] { (column.name) }
                            }
                        }
                    }
                    tbody {
                        @for (place, row) in self.rows.iter().enumerate() {
                            tr class=[(self.rule == Some(place)).then_some("ruled")] {
                                @for (index, (entry, column)) in row.iter().zip(&self.columns).enumerate() {
                                    @if index == 0 {
                                        th scope="row" { (entry.content) }
                                    } @else {
                                        td class=[column.numeric.then_some("n")] data-value=[entry.value] { (entry.content) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            @if !self.notes.is_empty() {
                ol class="notes" {
                    @for (place, note) in self.notes.iter().enumerate() {
                        li id={ (self.id) "-note-" (place + 1) } { (note) }
                    }
                }
            }
        }
    }
}

/// An entry with its interval and the links to its notes. It is sorted by the number that it begins with.
fn shown(entry: &grid::Entry, numeric: bool, table: &str) -> Entry {
    let (text, interval) = match entry.text.split_once(" ± ") {
        Some((text, interval)) if numeric => (text, Some(interval)),
        _ => (entry.text.as_str(), None),
    };
    let value = text.split(' ').next().and_then(|first| first.parse().ok()).filter(|_| numeric);
    let text = match numeric {
        true if text == "-" => "–".to_owned(),
        true => text.replace('-', "−"),
        false => text.to_owned(),
    };
    let content = html! {
        @match entry.style {
            Style::Best => { strong { (text) } span class="unseen" { " (best)" } }
            Style::Tied => { u { (text) } span class="unseen" { " (tied with the best)" } }
            Style::Plain => { (text) }
        }
        @if let Some(interval) = interval { span class="interval" { " ± " (interval) } }
        @for number in &entry.notes {
            sup { a href={ "#" (table) "-note-" (number) } aria-label={ "note " (number) } { (number) } }
        }
    };
    Entry { content, value }
}
