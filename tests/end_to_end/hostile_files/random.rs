//! Numbers that look random, by seed.

/// The state of SplitMix64.
pub struct Random(u64);

impl Random {
    /// The numbers of the `index`-th file of a kind.
    pub fn of(kind: &str, index: u64) -> Self {
        let seed = kind.bytes().fold(index, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let mut random = Self(seed);
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
