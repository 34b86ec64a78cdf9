//! Tables for a terminal.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};

use super::grid::{Grid, Style};

/// The table with its title, legend and notes. Numbers and names are never broken, however narrow the terminal; heads of columns are, between
/// words.
pub(super) fn render(grid: &Grid) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(grid.columns.iter().map(|name| name.replace(' ', "\n")));
    for row in &grid.rows {
        if row.ruled {
            table.add_row(grid.columns.iter().map(|_| Cell::new("")));
        }
        table.add_row(row.entries.iter().enumerate().map(|(column, entry)| {
            let cell = Cell::new(Grid::text(entry));
            let cell = if column < grid.words { cell } else { cell.set_alignment(CellAlignment::Right) };
            match entry.style {
                Style::Plain => cell,
                Style::Best => cell.add_attribute(Attribute::Bold),
                Style::Tied => cell.add_attribute(Attribute::Underlined),
            }
        }));
    }
    let mut text = format!("{}\n{}\n{table}\n\n", grid.title, wrapped(&grid.legend));
    for (number, note) in grid.notes.iter().enumerate() {
        text += &format!("{}\n\n", wrapped(&format!("[{}] {note}", number + 1)));
    }
    text
}

/// The text in lines of at most 100 characters, as far as its words allow.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= 100 => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
