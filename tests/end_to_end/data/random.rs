//! Random indices that are the same in every run.

/// Marsaglia's xorshift.
pub struct Random(pub u64);

impl Random {
    /// An index below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
