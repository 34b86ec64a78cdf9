//! Plans of attention.cu: the parts of attention between its matrix products.

use candle_core::{Result, Shape};

use crate::cuda::plan::Argument::{Input, Null, Output, Scalar};
use crate::cuda::plan::Kind::{Element, Float};
use crate::cuda::plan::{Plan, grid_over, rows_of, size, sizes};

/// Permutes the first four axes of x, seen as `(from[0], .., from[3], length)`: axis `i` of the result is axis
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
    let arguments = vec![Input(0), Output(0, 0), size(rows)?, size(length)?, sizes(op, &all)?];
    Plan::new(op, &[Element], Element, shape).launch("reorder_rows", grid_over(rows), arguments)
}

/// `softmax(scale * scores)` over the last axis of scores; with `bias_rows`, a second input of so many
/// rows is added to the scaled scores; its rows repeat.
pub(crate) fn softmax(op: &'static str, scores: &[usize], scale: f64, bias_rows: Option<usize>) -> Result<Plan> {
    let [rows, columns] = rows_of(scores);
    let (inputs, bias) = match bias_rows {
        Some(_) => (&[Element, Float][..], Input(1)),
        None => (&[Element][..], Null),
    };
    let scalars = [size(rows)?, size(columns)?, size(bias_rows.unwrap_or(1))?, Scalar(scale as f32)];
    let arguments = [vec![Input(0), bias, Output(0, 0)], scalars.to_vec()].concat();
    Plan::new(op, inputs, Element, scores).launch("softmax_rows", grid_over(rows), arguments)
}

/// The gradient of the scores, from their softmax and its gradient.
pub(crate) fn softmax_backward(op: &'static str, scores: &[usize], scale: f64) -> Result<Plan> {
    let [rows, columns] = rows_of(scores);
    let arguments = vec![Input(0), Input(1), Output(0, 0), size(rows)?, size(columns)?, Scalar(scale as f32)];
    Plan::new(op, &[Element, Element], Element, scores).launch("softmax_rows_backward", grid_over(rows), arguments)
}
