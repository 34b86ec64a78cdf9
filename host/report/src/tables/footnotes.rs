//! Footnotes, each listed once and numbered in the order in which they come.

use super::table::Entry;

#[derive(Default)]
pub(super) struct Footnotes(Vec<String>);

impl Footnotes {
    /// A name with the numbers of its notes.
    pub(super) fn named(&mut self, name: String, notes: impl Iterator<Item = String>) -> Entry {
        Entry { notes: notes.map(|note| self.number(note)).collect(), ..Entry::text(name) }
    }

    /// All notes in the order of their numbers.
    pub(super) fn into_lines(self) -> Vec<String> {
        self.0
    }

    /// The number of a note, counted from 1.
    fn number(&mut self, note: String) -> usize {
        match self.0.iter().position(|known| *known == note) {
            Some(place) => place + 1,
            None => {
                self.0.push(note);
                self.0.len()
            }
        }
    }
}
