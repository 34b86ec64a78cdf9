//! The look of rows, the same in all figures of a report.

use physrep_records::Initialisation;

use super::colours;
use crate::{
    leaderboard::{Leaderboard, Row},
    plot::Ink,
};

/// The shape of the marks of floors.
const FLOOR: Ink = Ink { colour: 0, shape: 5, hollow: false };

/// The colour and shape of every row: one per method, one per joint pretraining, and one per row of embeddings made elsewhere, in the
/// order of the tables.
pub(crate) struct Palette(Vec<(String, Initialisation)>);

impl Palette {
    /// The palette of all rows of a run.
    pub fn of(leaderboard: &Leaderboard<'_>) -> Self {
        let mut known = Vec::new();
        for row in leaderboard.rows().filter(|row| !row.is_floor()) {
            let key = key(row);
            if !known.contains(&key) {
                known.push(key);
            }
        }
        Self(known)
    }

    /// The look of the marks of a row. A method at random initialisation looks like the pretrained one, but hollow.
    pub fn ink(&self, row: &Row<'_>) -> Ink {
        if row.is_floor() {
            return FLOOR;
        }
        let place = self.0.iter().position(|known| *known == key(row)).unwrap_or_default();
        // When all colours are used, they repeat with other shapes.
        Ink {
            colour: place % colours::ROWS,
            shape: place + place / colours::ROWS,
            hollow: row.identity.initialisation == Initialisation::Random,
        }
    }

    /// The CSS classes of a group of marks of a row.
    pub fn class(&self, row: &Row<'_>) -> String {
        if row.is_floor() { "floor".into() } else { self.ink(row).class() }
    }
}

/// What a caption says of encoders that several methods have, which look like the first of these; nothing without such.
pub(super) fn shared_marks<'r, 'a: 'r>(rows: impl Iterator<Item = &'r Row<'a>>) -> String {
    let mut said: Vec<String> = Vec::new();
    for row in rows.filter(|row| !row.same.is_empty()) {
        let text = format!(" {} is one encoder, with the marks of {}.", row.name(), row.identity.method);
        if !said.contains(&text) {
            said.push(text);
        }
    }
    said.concat()
}

/// What rows of one look have in common.
fn key(row: &Row<'_>) -> (String, Initialisation) {
    let like = match row.identity.initialisation {
        Initialisation::Random => Initialisation::Pretrained,
        other => other,
    };
    (row.identity.method.clone(), like)
}
