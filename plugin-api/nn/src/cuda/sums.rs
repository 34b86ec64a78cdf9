//! Plans of sums.cu: sums over rows.

use candle_core::Result;

use super::Argument::{Input, Output, Scratch};
use super::{Argument, Kind, LANES, MAX_CHUNKS, Plan, ROWS, grid_over_each, rows_of, size};

/// How rows are split among blocks.
#[derive(Clone, Copy)]
pub(super) struct Chunks {
    pub(super) count: usize,
    pub(super) rows: usize,
}

impl Chunks {
    /// As many chunks as there may be, of no fewer than `least` rows.
    pub(super) fn of(rows: usize, least: usize) -> Self {
        let each = rows.div_ceil(MAX_CHUNKS).max(least);
        Self { count: rows.div_ceil(each), rows: each }
    }
}

impl Plan {
    /// Adds: sums over the rows of `x (rows, channels)`, which gives `parts` sums per channel when the kernel
    /// `partials` has these `arguments`; they go to the output, `at` numbers behind its start.
    pub(super) fn sum_rows(
        mut self,
        partials: &'static str,
        [rows, channels]: [usize; 2],
        parts: usize,
        arguments: impl FnOnce(Argument) -> Vec<Argument>,
        at: usize,
    ) -> Result<Self> {
        let chunks = Chunks::of(rows, 4 * ROWS);
        let scratch = self.reserve(chunks.count * parts * channels);
        let mut arguments = arguments(Scratch(scratch));
        arguments.extend([size(rows)?, size(channels)?, size(chunks.rows)?]);
        self.launch(partials, [channels.div_ceil(LANES), chunks.count, 1], arguments)?.add_partials(
            scratch,
            chunks.count,
            [1, parts * channels],
            at,
        )
    }

    /// Adds: the sum over the chunks of `(chunks, rows, columns)` in the scratch memory, to the output as `(columns, rows)`.
    pub(super) fn add_partials(
        self,
        scratch: usize,
        chunks: usize,
        [rows, columns]: [usize; 2],
        at: usize,
    ) -> Result<Self> {
        let arguments = vec![Scratch(scratch), Output(at), size(chunks)?, size(rows)?, size(columns)?];
        self.launch("add_partials", grid_over_each(rows * columns), arguments)
    }
}

/// `x (.., C)` to the sums `(C)` over all other axes.
pub(crate) fn columns(op: &'static str, x: &[usize]) -> Result<Plan> {
    let [rows, channels] = rows_of(x);
    Plan::new(op, &[Kind::Element], Kind::Float, channels).sum_rows(
        "column_partials",
        [rows, channels],
        1,
        |partials| vec![Input(0), partials],
        0,
    )
}
