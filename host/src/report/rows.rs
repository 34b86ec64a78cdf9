//! What all parts of the report say of a row in the same way: its colour and shape, and the probe that figures are drawn for.

use super::{colours, plot::Ink};
use crate::{
    board::{Board, Row, Score, System},
    cell::Initialisation,
    result::Track,
};

/// The look of every row: methods, and their joint pretrainings, in the order of the table.
pub(super) struct Palette(Vec<(String, bool)>);

impl Palette {
    pub fn of(board: &Board<'_>) -> Self {
        let mut known = Vec::new();
        for row in board.systems.iter().flat_map(|system| &system.rows).filter(|row| !row.is_floor()) {
            let key = key(row);
            if !known.contains(&key) {
                known.push(key);
            }
        }
        Self(known)
    }

    /// How a row's marks look. A method's random weights look like it, but hollow.
    pub fn ink(&self, row: &Row<'_>) -> Ink {
        let place = self.0.iter().position(|known| *known == key(row)).unwrap_or_default();
        // After a round of all colours, the same ones come with other shapes.
        Ink {
            colour: place % colours::ROWS,
            shape: place + place / colours::ROWS,
            hollow: row.cell.initialisation == Initialisation::Random,
        }
    }
}

fn key(row: &Row<'_>) -> (String, bool) {
    (row.cell.method.clone(), row.cell.initialisation == Initialisation::Joint)
}

/// The first probe of a system, which figures are drawn for.
pub(super) fn first_probe<'s>(system: &'s System<'_>) -> Option<&'s str> {
    system.probes(Track::Frozen).first().copied()
}

/// A row's score by the first probe, or of a floor by the probe that it has.
pub(super) fn frozen_score<'s>(system: &System<'_>, row: &'s Row<'_>) -> Option<&'s Score> {
    let own = || row.scores.iter().find(|score| row.is_floor() && score.track == Track::Frozen);
    first_probe(system).and_then(|probe| row.score(Track::Frozen, probe)).or_else(own)
}

/// The mean over seeds of a figure of a row's results.
pub(super) fn mean_cost(row: &Row<'_>, figure: impl Fn(&crate::result::Cost) -> f64) -> Option<f64> {
    let values: Vec<f64> = row.results.iter().map(|result| figure(&result.cost)).collect();
    crate::statistics::mean(&values)
}

/// A name for people.
pub(super) fn spaced(name: &str) -> String {
    name.replace('_', " ")
}
