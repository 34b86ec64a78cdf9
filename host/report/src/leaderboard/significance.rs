//! How a score compares with the best one.

/// How a score compares with the best one by the same probe, with Holm's correction for all encoders by that probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Significance {
    /// It is the lowest error.
    Best,
    /// It is not significantly different from the best.
    Tied,
    /// It is significantly worse than the best.
    Worse,
    /// It takes no part in the ranking: a floor, or embeddings that were made elsewhere.
    Unranked,
}
