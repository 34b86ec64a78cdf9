//! Tables of the page, with links to footnotes.

use maud::{Markup, html};

use crate::{
    figures::file_name,
    forms::parts,
    tables::table::{Column, Entry, Style, Table, Value},
};

/// The characters of a checksum that are shown; pointing at it shows all of it.
const CHECKSUM: usize = 16;

/// The table in a frame of its own, which scrolls where the page is too narrow.
pub(super) fn render(table: &Table) -> Markup {
    let id = file_name(&table.title);
    html! {
        div class="scroll" role="region" tabindex="0" aria-labelledby={ (id) "-caption" } {
            table id=(id) class="sortable" {
                caption id={ (id) "-caption" } { (table.title) ". " (table.legend) }
                thead {
                    tr {
                        @for column in &table.columns {
                            th scope="col" class=[column.numeric.then_some("n")] { (column.name) }
                        }
                    }
                }
                tbody {
                    @for line in &table.lines {
                        tr class=[line.ruled.then_some("ruled")] {
                            @for (index, (entry, column)) in line.entries.iter().zip(&table.columns).enumerate() {
                                (cell(index == 0, entry, column, &id))
                            }
                        }
                    }
                }
            }
        }
        @if !table.notes.is_empty() {
            ol class="notes" {
                @for (number, note) in (1..).zip(&table.notes) {
                    li id={ (id) "-note-" (number) } { (note) }
                }
            }
        }
    }
}

/// A cell; the first of a line is its head. The page's script sorts numeric columns by `data-value`.
fn cell(head: bool, entry: &Entry, column: &Column, table: &str) -> Markup {
    html! {
        @if head {
            th scope="row" { (content(entry, table)) }
        } @else {
            td class=[column.numeric.then_some("n")] data-value=[sorted_by(&entry.value)] { (content(entry, table)) }
        }
    }
}

/// An entry with its precision and the links to its footnotes.
fn content(entry: &Entry, table: &str) -> Markup {
    let parts = parts(&entry.value);
    html! {
        @match &entry.value {
            Value::Text(text) => (text),
            Value::Checksum(checksum) => {
                code title=(checksum) { (checksum.chars().take(CHECKSUM).collect::<String>()) }
            },
            Value::Missing => span class="none" { "–" },
            _ => {
                @let text = parts.value.replace('-', "−");
                @match entry.style {
                    Style::Best => { strong { (text) } span class="unseen" { " (best)" } }
                    Style::Tied => { u { (text) } span class="unseen" { " (tied with the best)" } }
                    Style::Plain => (text),
                }
            },
        }
        @if !parts.precision.is_empty() { span class="interval" { (parts.precision) } }
        @for number in &entry.notes {
            sup { a href={ "#" (table) "-note-" (number) } aria-label={ "note " (number) } { (number) } }
        }
    }
}

/// The value that an entry is sorted by; none for entries that are sorted by their text, or last.
fn sorted_by(value: &Value) -> Option<f64> {
    match value {
        Value::Text(_) | Value::Checksum(_) | Value::Missing => None,
        Value::Number { value, .. }
        | Value::OutOf { value, .. }
        | Value::Rank(value)
        | Value::Difference { value, .. }
        | Value::Probability(value) => Some(*value),
        Value::Count(count) => Some(*count as f64),
        Value::Error(error) => Some(error.mse),
        Value::Range { low, .. } => Some(*low),
        Value::Shape([rows, _]) => Some(*rows as f64),
    }
}
