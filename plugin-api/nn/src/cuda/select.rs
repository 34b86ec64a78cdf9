//! The plan of select.cu: rows in another order.

use candle_core::Result;

use super::Argument::{Input, Output};
use super::Kind::{Element, Float};
use super::{Plan, grid_over, size};

/// From x `(N, C)` and the numbers of rows as f32, which are exact to 2^24: these rows `(rows, C)`, zeros for a negative number.
pub(crate) fn rows(op: &'static str, rows: usize, channels: usize) -> Result<Plan> {
    let arguments = vec![Input(0), Input(1), Output(0, 0), size(rows)?, size(channels)?];
    Plan::new(op, &[Element, Float], Element, (rows, channels)).launch("select_rows", grid_over(rows), arguments)
}
