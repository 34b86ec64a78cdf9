//! Footnotes, each once, numbered as they come.

#[derive(Default)]
pub(super) struct Notes(Vec<String>);

impl Notes {
    /// The number of a note, which it gets when it is first asked for.
    pub(super) fn number(&mut self, note: &str) -> usize {
        match self.0.iter().position(|known| known == note) {
            Some(place) => place + 1,
            None => {
                self.0.push(note.to_owned());
                self.0.len()
            }
        }
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.0
    }
}
