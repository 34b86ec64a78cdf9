//! Tables as Markdown.

use super::text::noted;
use crate::tables::table::{Entry, Style, Table};

/// The table with its title, legend and notes.
pub(super) fn render(table: &Table) -> String {
    let mut text = format!("## {}\n\n{}\n\n", table.title, escaped(&table.legend));
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
    let text = escaped(&noted(entry));
    match entry.style {
        Style::Plain => text,
        Style::Best => format!("**{text}**"),
        Style::Tied => format!("<u>{text}</u>"),
    }
}

/// The text without what would end a cell or start markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '\\' => escaped.extend(['\\', c]),
            '<' => escaped += "&lt;",
            '\n' | '\r' => escaped.push(' '),
            _ => escaped.push(c),
        }
    }
    escaped
}
