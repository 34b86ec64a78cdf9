//! Tables for a terminal.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table as Drawing, presets};

use physrep_benchmarks::printable::one_line;

use super::text::{noted, parts};
use crate::tables::table::{Style, Table};

/// The width of legends and notes, in characters.
const WIDTH: usize = 100;

/// The table with its title, legend and notes. Entries are never broken, however narrow the terminal; heads of columns are, between words.
pub(crate) fn render(table: &Table) -> String {
    let mut text = format!("{}\n{}\n{}\n\n", one_line(&table.title), wrapped(&table.legend), drawing(table));
    for (number, note) in (1..).zip(&table.notes) {
        text += &format!("{}\n\n", wrapped(&format!("[{number}] {note}")));
    }
    text
}

/// The table in as few lines as possible: its title and its values, without precision, styles or notes.
pub(crate) fn brief(table: &Table) -> String {
    let mut drawing = Drawing::new();
    drawing.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    drawing.set_header(table.columns.iter().map(|column| aligned(&column.name, column.numeric)));
    for line in &table.lines {
        let entries = line.entries.iter().zip(&table.columns);
        drawing.add_row(entries.map(|(entry, column)| aligned(&parts(&entry.value).value, column.numeric)));
    }
    format!("{}\n{drawing}", one_line(&table.title))
}

fn aligned(text: &str, numeric: bool) -> Cell {
    let cell = Cell::new(one_line(text));
    if numeric { cell.set_alignment(CellAlignment::Right) } else { cell }
}

fn drawing(table: &Table) -> Drawing {
    let mut drawing = Drawing::new();
    drawing.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    drawing.set_header(table.columns.iter().map(|column| one_line(&column.name).replace(' ', "\n")));
    for line in &table.lines {
        if line.ruled {
            drawing.add_row(table.columns.iter().map(|_| Cell::new("")));
        }
        drawing.add_row(line.entries.iter().zip(&table.columns).map(|(entry, column)| {
            let cell = aligned(&noted(entry), column.numeric);
            match entry.style {
                Style::Plain => cell,
                Style::Best => cell.add_attribute(Attribute::Bold),
                Style::Tied => cell.add_attribute(Attribute::Underlined),
            }
        }));
    }
    drawing
}

/// The text in lines of at most [`WIDTH`] characters, as far as its words allow.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in one_line(text).split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
