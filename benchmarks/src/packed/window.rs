//! Windows: the clips of fixed length that trajectories are cut into.

use crate::split::Split;
use crate::suite::WindowPlan;

/// One window: a trajectory and its first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Window {
    /// The trajectory, counted over all splits of a packed file.
    pub trajectory: usize,
    /// The first frame.
    pub start: usize,
}

/// The windows of `trajectories` that have `frames` frames each: starts `first, first + stride, ...` as long as
/// `context + future` frames fit.
pub(crate) fn cut(trajectories: std::ops::Range<usize>, frames: usize, split: Split, plan: &WindowPlan) -> Vec<Window> {
    let starts = frames.saturating_add(1).saturating_sub(plan.frames());
    trajectories
        .flat_map(|trajectory| {
            (plan.first..starts).step_by(plan.stride[split]).map(move |start| Window { trajectory, start })
        })
        .collect()
}
