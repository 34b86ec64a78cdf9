//! Tables of the page, with footnotes.

use maud::{Markup, html};

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
    pub notes: Notes,
    /// The row above which a rule stands.
    pub rule: Option<usize>,
}

/// Footnotes, each once, numbered as they come.
#[derive(Default)]
pub(super) struct Notes(Vec<String>);

impl Notes {
    /// The links to the notes of a row.
    pub fn links(&mut self, table: &str, notes: &[String]) -> Markup {
        let numbers: Vec<usize> = notes
            .iter()
            .map(|note| {
                self.0.iter().position(|known| known == note).unwrap_or_else(|| {
                    self.0.push(note.clone());
                    self.0.len() - 1
                }) + 1
            })
            .collect();
        html! {
            @for number in numbers {
                sup { a href={ "#" (table) "-note-" (number) } aria-label={ "note " (number) } { (number) } }
            }
        }
    }
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
            @if !self.notes.0.is_empty() {
                ol class="notes" {
                    @for (place, note) in self.notes.0.iter().enumerate() {
                        li id={ (self.id) "-note-" (place + 1) } { (note) }
                    }
                }
            }
        }
    }
}
