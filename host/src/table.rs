//! The tables of a run: what it scores in short, then system by system the scores by parameter, with few labels, whether the numbers
//! can be trusted, and what they cost. Every form shows the same ones.

pub mod command;
pub(crate) mod cost;
pub(crate) mod grid;
pub(crate) mod health;
mod latex;
mod markdown;
mod notes;
pub(crate) mod scores;
pub(crate) mod summary;
mod terminal;
mod tidy;

use crate::{board::Board, result::Track, standings::Standings};
use grid::Grid;

pub use tidy::tidy;

/// The tables that a run ends with on a terminal: the scores and, if there are several systems, the summary.
pub fn terminal(standings: &Standings) -> String {
    join(grids(standings, false).iter().map(terminal::render))
}

/// All tables for a terminal.
pub fn terminal_all(standings: &Standings) -> String {
    join(grids(standings, true).iter().map(terminal::render))
}

/// All tables as Markdown.
pub fn markdown(standings: &Standings) -> String {
    join(grids(standings, true).iter().map(markdown::render))
}

/// All tables as a LaTeX document that needs booktabs alone.
pub fn latex(standings: &Standings) -> String {
    latex::document(&grids(standings, true))
}

fn join(tables: impl Iterator<Item = String>) -> String {
    let text: String = tables.collect();
    text.trim_end().to_owned() + "\n"
}

fn grids(standings: &Standings, all: bool) -> Vec<Grid> {
    let Some(board) = Board::of(standings) else {
        return Vec::new();
    };
    let tracks = Track::ALL;
    let mut grids = Vec::new();
    for system in &board.systems {
        grids.extend(tracks.iter().filter_map(|&track| scores::overview(&board, system, track)));
        if all {
            grids.extend(tracks.iter().filter_map(|&track| scores::by_parameter(&board, system, track)));
            grids.extend(scores::by_labels(&board, system));
        }
        grids.extend(health::table(&board, system));
        if all {
            grids.extend(cost::tables(&board, system));
        }
    }
    grids.extend(tracks.iter().filter_map(|&track| summary::table(&board, track)));
    grids
}

/// `0.360`, with what is to either side of it if that is known: `0.360 ± 0.041`.
fn with_interval(value: f64, interval: Option<crate::statistics::Interval>) -> String {
    match interval {
        Some(interval) => format!("{value:.3} ± {:.3}", interval.half_width()),
        None => format!("{value:.3}"),
    }
}

/// `shear_flow, frozen encoders (suite tiny v4)`.
fn title(board: &Board<'_>, of: &str, what: &str) -> String {
    format!("{of}, {what} (suite {} v{})", board.suite.name, board.suite.version)
}

/// Whose scores a track has.
fn encoders_of(track: Track) -> &'static str {
    match track {
        Track::Frozen => "frozen encoders",
        Track::EndToEnd => "encoders trained end to end with labels",
    }
}

/// What the random weights of a track stand for, where that is not plain.
fn random_is(track: Track) -> &'static str {
    match track {
        Track::Frozen => "",
        Track::EndToEnd => " Random init: supervised training alone.",
    }
}

/// How a score is set off.
const SET_OFF: &str = "Bold: the lowest; underlined: not clearly different from it.";

/// What stands behind a plus-minus sign.
fn interval_is(board: &Board<'_>) -> &'static str {
    match board.seeds() {
        0 | 1 => "95 % interval over test trajectories, one seed",
        _ => "95 % t interval over seeds",
    }
}
