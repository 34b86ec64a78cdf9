//! Learning-rate schedules: pure functions of the step, so that a resumed run needs no state.

use serde::{Deserialize, Serialize};

/// Linear warm-up followed by half a cosine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CosineSchedule {
    /// Value at the end of the warm-up, the largest.
    pub peak: f64,
    /// Value of the last step, and of all steps beyond it.
    pub last: f64,
    /// Number of steps, warm-up included.
    pub steps: usize,
    /// Number of warm-up steps; 0 starts at `peak`.
    pub warmup_steps: usize,
    /// Value of the first step, if there is a warm-up.
    pub warmup_start: f64,
}

impl CosineSchedule {
    /// The value for step `step`, counted from 0.
    ///
    /// It is `warmup_start` at the first step of the warm-up, `peak` at its last step and at the first step after it,
    /// where the cosine begins, and `last` at step `steps - 1`.
    pub fn at(&self, step: usize) -> f64 {
        if step < self.warmup_steps.min(self.steps) {
            let done = fraction(step, self.warmup_steps);
            return self.warmup_start + (self.peak - self.warmup_start) * done;
        }
        if step >= self.steps {
            return self.last;
        }
        let done = fraction(step - self.warmup_steps, self.steps - self.warmup_steps);
        let cosine = (std::f64::consts::PI * done).cos();
        self.last + 0.5 * (self.peak - self.last) * (1.0 + cosine)
    }
}

/// The progress of the `i`-th of `n` steps, from 0 at the first to 1 at the last.
fn fraction(i: usize, n: usize) -> f64 {
    if n > 1 { i as f64 / (n - 1) as f64 } else { 0.0 }
}
