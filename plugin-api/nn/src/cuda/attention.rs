//! Plans of attention.cu: what attention does between its matrix products.

use candle_core::{Result, Shape, bail};

use super::Argument::{Input, Null, Number, Output, Sizes};
use super::Kind::{Element, Float};
use super::{Plan, grid_over, rows_of, size};

/// x, seen as `(from[0], .., from[3], length)`, with its first four axes in another order: axis `i` of the result is axis
/// `axes[i]`. The result has the shape `shape`.
pub(crate) fn reorder(
    op: &'static str,
    from: [usize; 4],
    axes: [usize; 4],
    length: usize,
    shape: impl Into<Shape>,
) -> Result<Plan> {
    let strides = [from[1] * from[2] * from[3], from[2] * from[3], from[3], 1];
    let all: Vec<usize> = axes.iter().map(|&axis| from[axis]).chain(axes.iter().map(|&axis| strides[axis])).collect();
    let rows = from.iter().product();
    let Some(order) = all.iter().map(|&size| u32::try_from(size).ok()).collect() else {
        bail!("{op}: sizes beyond 32 bits: {from:?}")
    };
    let arguments = vec![Input(0), Output(0, 0), size(rows)?, size(length)?, Sizes(order)];
    Plan::new(op, &[Element], Element, shape).launch("reorder_rows", grid_over(rows), arguments)
}

/// `softmax(scale * scores)` over the last axis of scores; with `bias_rows`, from a second input of so many rows, which are
/// added to the scaled scores' in turns.
pub(crate) fn softmax(op: &'static str, scores: &[usize], scale: f64, bias_rows: Option<usize>) -> Result<Plan> {
    let [rows, columns] = rows_of(scores);
    let (inputs, bias) = match bias_rows {
        Some(_) => (&[Element, Float][..], Input(1)),
        None => (&[Element][..], Null),
    };
    let sizes = [size(rows)?, size(columns)?, size(bias_rows.unwrap_or(1))?, Number(scale as f32)];
    let arguments = [vec![Input(0), bias, Output(0, 0)], sizes.to_vec()].concat();
    Plan::new(op, inputs, Element, scores).launch("softmax_rows", grid_over(rows), arguments)
}

/// The gradient of the scores, from their softmax and its gradient.
pub(crate) fn softmax_backward(op: &'static str, scores: &[usize], scale: f64) -> Result<Plan> {
    let [rows, columns] = rows_of(scores);
    let arguments = vec![Input(0), Input(1), Output(0, 0), size(rows)?, size(columns)?, Number(scale as f32)];
    Plan::new(op, &[Element, Element], Element, scores).launch("softmax_rows_backward", grid_over(rows), arguments)
}
