//! Learning-rate schedules: pure functions of the step, so that resuming needs no state.

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
    /// Value of the first step, where there is a warm-up.
    pub warmup_start: f64,
}

impl CosineSchedule {
    /// The value for step `step`, counted from 0.
    ///
    /// The first warm-up step has `warmup_start`, the last one `peak`; so has the step after it,
    /// where the cosine begins. Step `steps - 1` has `last`.
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

/// How far the `i`-th of `n` steps is, from 0 for the first to 1 for the last.
fn fraction(i: usize, n: usize) -> f64 {
    if n > 1 { i as f64 / (n - 1) as f64 } else { 0.0 }
}
