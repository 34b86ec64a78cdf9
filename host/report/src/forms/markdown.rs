//! Tables as Markdown.

use physrep_benchmarks::printable::one_line;

use super::text::{numbers, value};
use crate::tables::table::{Entry, Style, Table};

/// The table with its title, legend and notes.
pub(super) fn render(table: &Table) -> String {
    // An underscore in a word, as names of systems have it, starts no markup.
    let title = escaped(&table.title).replace("\\_", "_");
    let mut text = format!("## {title}\n\n{}\n\n", escaped(&table.legend));
    text += &line(table.columns.iter().map(|column| escaped(&column.name)));
    text += &line(table.columns.iter().map(|column| if column.numeric { "--:" } else { "---" }.to_owned()));
    for row in &table.lines {
        text += &line(row.entries.iter().map(cell));
    }
    text.push('\n');
    for (number, note) in (1..).zip(&table.notes) {
        text += &format!("[{number}] {}\n\n", escaped(note));
    }
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

fn cell(entry: &Entry) -> String {
    let mut text = escaped(&value(&entry.value));
    if !entry.notes.is_empty() {
        text += &format!(" [{}]", numbers(&entry.notes, ", "));
    }
    match entry.style {
        Style::Plain => text,
        Style::Best => format!("**{text}**"),
        Style::Tied => format!("<u>{text}</u>"),
    }
}

/// The text on one line, without what would end a cell or start markup, such as a link.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in one_line(text).chars() {
        match c {
            '|' | '*' | '_' | '`' | '\\' | '[' | ']' | '~' | '$' => escaped.extend(['\\', c]),
            '<' => escaped += "&lt;",
            '&' => escaped += "&amp;",
            _ => escaped.push(c),
        }
    }
    // What begins so becomes a link by itself.
    escaped.replace("://", ":\\//").replace("www.", "www\\.")
}
