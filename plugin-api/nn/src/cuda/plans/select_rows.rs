//! The plan of select_rows.cu: rows in another order.

use candle_core::Result;

use crate::cuda::plan::Argument::{Input, Output};
use crate::cuda::plan::Kind::{Element, Float};
use crate::cuda::plan::{Plan, grid_over, size};

/// From x `(N, C)` and indices of rows as f32, which are exact up to 2^24: these rows, `(rows, C)`; zeros for a
/// negative index.
pub(crate) fn select_rows(op: &'static str, rows: usize, channels: usize) -> Result<Plan> {
    let arguments = vec![Input(0), Input(1), Output(0, 0), size(rows)?, size(channels)?];
    Plan::new(op, &[Element, Float], Element, (rows, channels)).launch("select_rows", grid_over(rows), arguments)
}
