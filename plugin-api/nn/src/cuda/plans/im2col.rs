//! Plans of im2col.cu: the windows of a convolution as rows of a matrix, and the transpose.

use candle_core::{Result, bail};

use crate::cuda::plan::Argument::{self, Input, Output};
use crate::cuda::plan::Kind::Element;
use crate::cuda::plan::{Plan, grid_over, size, sizes};
use crate::shape::{Axis, Window};

impl Window {
    /// The argument `Window` of the kernels.
    fn argument(&self, op: &str) -> Result<Argument> {
        let of_axes = |f: fn(&Axis) -> usize| self.axes.each_ref().map(f);
        let by_axis = [
            self.size,
            self.outputs,
            of_axes(|axis| axis.kernel),
            of_axes(|axis| axis.stride),
            of_axes(|axis| axis.padding.0),
        ];
        let all: Vec<usize> = by_axis.concat().into_iter().chain([self.channels]).collect();
        sizes(op, &all)
    }
}

/// Rows that a block of `im2col` writes; `ROWS_OF_BLOCK` in im2col.cu.
const ROWS_OF_BLOCK: usize = 64;

/// `x (B, T, H, W, C)` to `(B T' H' W', kt kh kw C)`.
pub(crate) fn im2col(op: &'static str, window: &Window, batch: usize) -> Result<Plan> {
    if window.axes.iter().any(|axis| axis.kernel > usize::from(u8::MAX)) {
        bail!("{op}: on a GPU expected kernel sizes of at most {}, got {:?}", u8::MAX, window.axes);
    }
    let rows = batch * window.outputs.iter().product::<usize>();
    let arguments = vec![Input(0), Output(0, 0), size(rows)?, window.argument(op)?];
    let grid = [rows.div_ceil(ROWS_OF_BLOCK), 1, 1];
    Plan::new(op, &[Element], Element, (rows, window.patch_len())).launch("im2col", grid, arguments)
}

/// The transpose of [`im2col`].
pub(crate) fn col2im(op: &'static str, window: &Window, batch: usize) -> Result<Plan> {
    let [t, h, w] = window.size;
    let rows = batch * t * h * w;
    let (from, to, argument) = (Input(0), Output(0, 0), window.argument(op)?);
    let plan = Plan::new(op, &[Element], Element, (batch, t, h, w, window.channels));
    if window.axes.iter().all(|axis| *axis == Axis::patches(axis.kernel)) {
        return plan.launch("col2im_disjoint", [batch * t * h, 1, 1], vec![from, to, argument]);
    }
    plan.launch("col2im", grid_over(rows), vec![from, to, size(rows)?, argument])
}
