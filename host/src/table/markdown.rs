//! Tables as Markdown.

use super::grid::{Grid, Style};

/// The table with its title, legend and notes.
pub(super) fn render(grid: &Grid) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = format!("## {}\n\n{}\n\n", grid.title, escape(&grid.legend));
    text += &line(grid.columns.iter().map(|name| escape(name)).collect());
    let rule = |column: usize| if column < grid.words { "---" } else { "--:" };
    text += &line((0..grid.columns.len()).map(|column| rule(column).to_owned()).collect());
    for row in &grid.rows {
        let cell = |entry| {
            let text = escape(&Grid::text(entry));
            match entry.style {
                Style::Plain => text,
                Style::Best => format!("**{text}**"),
                Style::Tied => format!("<u>{text}</u>"),
            }
        };
        text += &line(row.entries.iter().map(cell).collect());
    }
    text.push('\n');
    for (number, note) in grid.notes.iter().enumerate() {
        text += &format!("[{}] {}\n\n", number + 1, escape(note));
    }
    text
}

/// What would end a cell or start markup, made plain.
fn escape(text: &str) -> String {
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
