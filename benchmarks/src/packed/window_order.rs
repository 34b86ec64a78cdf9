//! The order in which pretraining sees windows.

use rand::seq::SliceRandom;

use physrep_random::keyed;

/// A fresh permutation of all windows in every epoch: a pure function of seed, epoch and position, so every
/// method sees the same windows, and an interrupted run resumes from the number of samples seen so far.
#[derive(Clone, Debug)]
pub struct WindowOrder {
    seed: u64,
    windows: usize,
    epoch: Option<u64>,
    permutation: Vec<usize>,
}

impl WindowOrder {
    /// The order of `windows` windows under the suite's `seed`.
    ///
    /// # Panics
    /// If there is no window.
    pub fn new(seed: u64, windows: usize) -> Self {
        assert!(windows > 0, "an order needs at least one window");
        Self { seed, windows, epoch: None, permutation: Vec::new() }
    }

    /// The index of the window of sample `sample`, counted from the start of pretraining.
    ///
    /// Samples may be asked for in any order; going forward is fast, as the current epoch's permutation is kept.
    pub fn window(&mut self, sample: u64) -> usize {
        let epoch = sample / self.windows as u64;
        if self.epoch != Some(epoch) {
            self.permutation = (0..self.windows).collect();
            let keys = [self.seed, epoch, self.windows as u64].map(u64::to_le_bytes);
            let mut random = keyed("physrep-bench 1 order of windows", &[&keys[0], &keys[1], &keys[2]]);
            self.permutation.shuffle(&mut random);
            self.epoch = Some(epoch);
        }
        self.permutation[(sample % self.windows as u64) as usize]
    }
}
