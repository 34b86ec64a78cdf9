//! What a file of weights holds: tensors by name.

/// A tensor by one of its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedTensor {
    /// The keys that lead to it, joined by dots.
    pub name: String,
    /// Its shape.
    pub shape: Vec<u64>,
    /// Which dictionary it is in: equal for tensors of the same one.
    pub dictionary: usize,
    /// Which tensor it is: equal for two names of the same values.
    pub tensor: usize,
}

/// The most tensors and keys; the largest networks have some ten thousand, and their optimizers twice as many.
const MOST: usize = 1 << 19;

/// The longest sum of names, in bytes.
const LONGEST: usize = 1 << 26;

/// The names in a file, in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct NamedTensors {
    list: Vec<NamedTensor>,
    visited: usize,
    bytes: usize,
}

impl NamedTensors {
    /// Adds a name, which was [visited](Self::visit).
    pub fn add(&mut self, named: NamedTensor) {
        self.list.push(named);
    }

    /// Counts a tensor, or a key on the way to one, whose name has `bytes` bytes; before anything is stored for it.
    ///
    /// # Errors
    ///
    /// If these are more than a checkpoint has.
    pub fn visit(&mut self, bytes: usize) -> Result<(), String> {
        self.visited += 1;
        self.bytes += bytes;
        if self.visited > MOST || self.bytes > LONGEST {
            return Err(format!(
                "more than {MOST} tensors, or longer names than a network has; save the weights alone"
            ));
        }
        Ok(())
    }

    /// All of them.
    pub fn all(&self) -> &[NamedTensor] {
        &self.list
    }
}
