//! Plans of sums.cu: sums over rows.

use candle_core::Result;

use crate::cuda::plan::Argument::{Input, Output, Scratch};
use crate::cuda::plan::{Argument, Kind, LANES, MAX_CHUNKS, Plan, ROWS, grid_over_each, rows_of, size};

/// The chunks that rows are split into, one per block.
#[derive(Clone, Copy)]
pub(super) struct Chunks {
    pub(super) count: usize,
    /// Rows per chunk.
    pub(super) rows: usize,
}

impl Chunks {
    /// At most `most` chunks, of at least `least` rows each.
    pub(super) fn of(rows: usize, least: usize, most: usize) -> Self {
        let each = rows.div_ceil(most).max(least);
        Self { count: rows.div_ceil(each), rows: each }
    }

    /// The same with chunks of whole units of `unit` rows, at least `least` units each.
    pub(super) fn in_units(rows: usize, unit: usize, least: usize, most: usize) -> Self {
        let units = Self::of(rows.div_ceil(unit), least, most);
        Self { rows: units.rows * unit, ..units }
    }

    /// Reserves scratch memory for the partial sums of the chunks.
    pub(super) fn partials(&self, plan: &mut Plan, stride: usize) -> Partials {
        Partials { at: plan.reserve(self.count * stride), chunks: self.count, stride }
    }
}

/// Partial sums `(chunks, stride)` in the scratch memory, at an offset in floats.
#[derive(Clone, Copy)]
pub(super) struct Partials {
    pub(super) at: usize,
    pub(super) chunks: usize,
    pub(super) stride: usize,
}

/// Chunks that one thread sums sequentially.
const GROUP: usize = 32;

impl Plan {
    /// Adds launches that sum over the rows of `x (rows, channels)`: the kernel `partials` with these `arguments`
    /// computes `parts` sums per channel; their totals go to `output`.
    pub(super) fn sum_rows(
        mut self,
        partials: &'static str,
        [rows, channels]: [usize; 2],
        parts: usize,
        arguments: impl FnOnce(Argument) -> Vec<Argument>,
        output: Argument,
    ) -> Result<Self> {
        let chunks = Chunks::of(rows, 4 * ROWS, MAX_CHUNKS);
        let sums = chunks.partials(&mut self, parts * channels);
        let mut arguments = arguments(Scratch(sums.at));
        arguments.extend([size(rows)?, size(channels)?, size(chunks.rows)?]);
        let (plan, sums) =
            self.launch(partials, [channels.div_ceil(LANES), chunks.count, 1], arguments)?.add_groups(sums)?;
        plan.add_partials(sums, 0, [1, parts * channels], output)
    }

    /// Adds a launch that sums groups of chunks, if there are many chunks. Returns the partial sums that remain.
    pub(super) fn add_groups(mut self, partials: Partials) -> Result<(Self, Partials)> {
        if partials.chunks <= 2 * GROUP {
            return Ok((self, partials));
        }
        let chunks = partials.chunks.div_ceil(GROUP);
        let sums = Partials { at: self.reserve(chunks * partials.stride), chunks, ..partials };
        let sizes = [size(partials.chunks)?, size(partials.stride)?, size(GROUP)?];
        let arguments = [vec![Scratch(partials.at), Scratch(sums.at)], sizes.to_vec()].concat();
        let [blocks, ..] = grid_over_each(partials.stride);
        Ok((self.launch("add_groups", [blocks, chunks, 1], arguments)?, sums))
    }

    /// Adds a launch that sums over the chunks the matrix `(rows, columns)` at offset `from` of each, and writes it
    /// transposed, `(columns, rows)`, to `output`.
    pub(super) fn add_partials(
        self,
        partials: Partials,
        from: usize,
        [rows, columns]: [usize; 2],
        output: Argument,
    ) -> Result<Self> {
        let sizes = [size(partials.chunks)?, size(partials.stride)?, size(rows)?, size(columns)?];
        let arguments = [vec![Scratch(partials.at + from), output], sizes.to_vec()].concat();
        self.launch("add_partials", grid_over_each(rows * columns), arguments)
    }
}

/// `x (.., C)` to the sums `(C)` over all other axes.
pub(crate) fn columns(op: &'static str, x: &[usize]) -> Result<Plan> {
    let [rows, channels] = rows_of(x);
    let mut plan = Plan::new(op, &[Kind::Element], Kind::Float, channels);
    // With few channels, neighbouring rows are treated as one longer row, which occupies all threads of a warp.
    let beside = (1..=(LANES / channels).max(1)).rev().find(|beside| rows.is_multiple_of(*beside)).unwrap_or(1);
    let (rows, columns) = (rows / beside, channels * beside);
    let chunks = Chunks::of(rows, 4 * ROWS, MAX_CHUNKS);
    let sums = chunks.partials(&mut plan, columns);
    let arguments = vec![Input(0), Scratch(sums.at), size(rows)?, size(columns)?, size(chunks.rows)?];
    let plan = plan.launch("column_partials", [columns.div_ceil(LANES), chunks.count, 1], arguments)?;
    let (plan, sums) = plan.add_groups(Partials { chunks: beside * sums.chunks, stride: channels, ..sums })?;
    plan.add_partials(sums, 0, [1, channels], Output(0, 0))
}
