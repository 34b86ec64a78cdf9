//! The points that the taps read.

use crate::shape::Edge;

/// Taps of the kernel.
pub(crate) const TAPS: usize = 9;

/// The neighbours of the points of a field `(H, W)`.
pub(crate) struct Grid {
    pub(super) height: usize,
    pub(super) width: usize,
    /// The three rows that the taps of each row read; and the same for columns.
    rows: Vec<[usize; 3]>,
    columns: Vec<[usize; 3]>,
}

impl Grid {
    pub(crate) fn new(height: usize, width: usize, [vertical, horizontal]: [Edge; 2]) -> Self {
        let neighbours = |len: usize, edge: Edge| -> Vec<[usize; 3]> {
            let last = len - 1;
            let (before, after) = match edge {
                Edge::Periodic => (last, 0),
                Edge::Reflect => (1, last - 1),
            };
            (0..len).map(|i| [if i == 0 { before } else { i - 1 }, i, if i == last { after } else { i + 1 }]).collect()
        };
        Self { height, width, rows: neighbours(height, vertical), columns: neighbours(width, horizontal) }
    }

    pub(super) fn points(&self) -> usize {
        self.height * self.width
    }

    /// The point that tap `tap` of the point at `row` and `column` reads.
    #[inline(always)]
    pub(super) fn point(&self, row: usize, column: usize, tap: usize) -> usize {
        self.rows[row][tap / 3] * self.width + self.columns[column][tap % 3]
    }
}
