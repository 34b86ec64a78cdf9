//! Parses Python's pickles into objects, without running anything: what a pickle would call is only noted.
//!
//! Objects refer to each other by index, as in Python by reference: one that is used twice is stored once, and one that is filled after
//! it was used is full everywhere. So memory and time grow with the length of the pickle, however deep or tangled it is. (The parser of
//! candle copies what is used twice, with what it holds at that moment.)

mod input;
mod machine;
mod object;

use self::machine::Machine;
pub(super) use self::object::{Call, Id, Object};

/// The objects of a pickle.
#[derive(Debug)]
pub(super) struct Pickle {
    objects: Vec<Object>,
    root: Id,
}

impl Pickle {
    /// The object that was pickled.
    pub fn root(&self) -> Id {
        self.root
    }

    /// The number of objects.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// An object of this pickle.
    pub fn object(&self, id: Id) -> &Object {
        &self.objects[id as usize]
    }

    /// The elements of a tuple or a list.
    pub fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.object(id) {
            Object::Sequence(elements) => Some(elements),
            _ => None,
        }
    }

    /// A text.
    pub fn text(&self, id: Id) -> Option<&str> {
        match self.object(id) {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An integer that is not negative.
    pub fn natural(&self, id: Id) -> Option<u64> {
        match self.object(id) {
            Object::Integer(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Module and name of a class or a function.
    pub fn global(&self, id: Id) -> Option<(&str, &str)> {
        match self.object(id) {
            Object::Global(global) => Some((&global.0, &global.1)),
            _ => None,
        }
    }

    /// Parses the bytes of a pickle of protocol 1 to 5.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and at which byte.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut machine = Machine::new(bytes);
        loop {
            let at = machine.input.at;
            match machine.step() {
                Ok(None) => {}
                Ok(Some(root)) => return Ok(Self { objects: machine.objects, root }),
                Err(reason) => return Err(format!("byte {at} of its pickle: {reason}")),
            }
        }
    }
}

#[cfg(test)]
mod tests;
