//! The forms of the tables of a run as text. A new form is a file here and a variant of [`Form`].

mod latex;
mod markdown;
mod scores_csv;
mod terminal;
mod text;

use physrep_records::RunResults;

use crate::{
    error::Result,
    leaderboard::Leaderboard,
    tables::{self, table::Table},
};

pub(crate) use terminal::render as terminal;
pub(crate) use text::parts;

/// A form of the tables of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For a terminal.
    Terminal,
    /// Markdown.
    Markdown,
    /// A LaTeX document, which needs the package booktabs.
    Latex,
    /// All scores as CSV, one per row.
    Csv,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Terminal, Self::Markdown, Self::Latex, Self::Csv];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Markdown => "markdown",
            Self::Latex => "latex",
            Self::Csv => "csv",
        }
    }

    /// The file in which a run folder has it; none if it is only printed.
    pub fn file(self) -> Option<&'static str> {
        match self {
            Self::Terminal => None,
            Self::Markdown => Some("table.md"),
            Self::Latex => Some("table.tex"),
            Self::Csv => Some("scores.csv"),
        }
    }

    /// All tables of a run.
    ///
    /// # Errors
    ///
    /// If a score cannot be written as CSV.
    pub fn render(self, results: &RunResults) -> Result<String> {
        let tables = || Leaderboard::of(results).map(|leaderboard| tables::all(&leaderboard)).unwrap_or_default();
        Ok(match self {
            Self::Terminal => joined(tables().iter().map(terminal::render)),
            Self::Markdown => joined(tables().iter().map(markdown::render)),
            Self::Latex => latex::document(&tables()),
            Self::Csv => scores_csv::document(results)?,
        })
    }
}

impl Form {
    /// One table; LaTeX is a document, or a fragment of one, with a label. CSV has no table, but scores.
    pub(crate) fn one(self, table: &Table, fragment: bool, label: Option<&str>) -> String {
        match self {
            Self::Terminal | Self::Csv => terminal::render(table).trim_end().to_owned() + "\n",
            Self::Markdown => markdown::render(table).trim_end().to_owned() + "\n",
            Self::Latex if fragment => latex::render(table, label, "t"),
            Self::Latex => latex::document_of([latex::render(table, label, "p")].as_slice()),
        }
    }
}

/// The tables that a run ends with on a terminal: scores and health of each system and, if there are several, a summary of them.
pub fn terminal_summary(results: &RunResults) -> String {
    let tables = Leaderboard::of(results).map(|leaderboard| tables::main(&leaderboard)).unwrap_or_default();
    joined(tables.iter().map(terminal::render))
}

/// The scores that there are by the first probe, on every system: what a run that goes on shows. Empty without scores.
pub fn scores_so_far(results: &RunResults) -> String {
    let scores = Leaderboard::of(results).and_then(|leaderboard| tables::summary::scores_so_far(&leaderboard));
    scores.map(|table| terminal::brief(&table)).unwrap_or_default()
}

fn joined(tables: impl Iterator<Item = String>) -> String {
    let text: String = tables.collect();
    text.trim_end().to_owned() + "\n"
}
