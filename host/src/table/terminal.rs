//! Tables for a terminal.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};

use super::grid::{Grid, Style};

/// The table with its title and notes. Numbers and names are never broken, however narrow the terminal; heads of columns are, between
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
    let mut text = format!("{}\n\n{table}\n\n", grid.title);
    for (number, note) in grid.notes.iter().enumerate() {
        text += &format!("[{}] {note}\n\n", number + 1);
    }
    text
}
