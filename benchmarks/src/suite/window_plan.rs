//! How trajectories are cut into windows.

use serde::{Deserialize, Serialize};

use crate::split::PerSplit;

/// How trajectories are cut into windows of `context + future` frames.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowPlan {
    /// Frames that a method encodes.
    pub context: usize,
    /// Frames after the context, which a method may learn to predict.
    pub future: usize,
    /// The first frame that a window may begin with, unless a system says otherwise: what comes before is left out,
    /// such as the time until an instability has grown out of the initial noise.
    #[serde(default)]
    pub first: usize,
    /// Frames between the starts of two windows of a trajectory, unless a system says otherwise.
    pub stride: PerSplit<usize>,
}

impl WindowPlan {
    /// Frames of one window: `context + future`.
    pub fn frames(&self) -> usize {
        self.context.saturating_add(self.future)
    }
}
