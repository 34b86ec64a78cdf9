//! The boundary of a field that is not padded with zeros.

/// How a field continues beyond the ends of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Periodically: beyond one end lies the other.
    Periodic,
    /// By reflection at the outermost point, which is not repeated.
    Reflect,
}
