//! The tables of a run as text.

mod latex;
mod markdown;
mod scores_csv;
mod terminal;
mod text;

use physrep_records::RunResults;

use crate::{leaderboard::Leaderboard, tables};

pub use scores_csv::scores_csv;

pub(crate) use text::parts;

/// The tables that a run ends with on a terminal: scores and health of each system and, if there are several, a summary of them.
pub fn terminal_summary(results: &RunResults) -> String {
    let tables = Leaderboard::of(results).map(|leaderboard| tables::main(&leaderboard)).unwrap_or_default();
    joined(tables.iter().map(terminal::render))
}

/// All tables for a terminal.
pub fn terminal(results: &RunResults) -> String {
    joined(all(results).iter().map(terminal::render))
}

/// All tables as Markdown.
pub fn markdown(results: &RunResults) -> String {
    joined(all(results).iter().map(markdown::render))
}

/// All tables as a LaTeX document, which needs the package booktabs.
pub fn latex(results: &RunResults) -> String {
    latex::document(&all(results))
}

fn all(results: &RunResults) -> Vec<tables::table::Table> {
    Leaderboard::of(results).map(|leaderboard| tables::all(&leaderboard)).unwrap_or_default()
}

fn joined(tables: impl Iterator<Item = String>) -> String {
    let text: String = tables.collect();
    text.trim_end().to_owned() + "\n"
}
