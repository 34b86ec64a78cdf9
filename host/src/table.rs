//! The tables of a run.

use crate::{Result, standings::Standings};

/// The tables for a terminal.
pub fn terminal(_standings: &Standings) -> String {
    String::new()
}

/// The tables as Markdown.
pub fn markdown(_standings: &Standings) -> String {
    String::new()
}

/// The scores as tidy CSV.
pub fn tidy(_standings: &Standings) -> Result<String> {
    Ok(String::new())
}
