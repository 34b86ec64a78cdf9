//! Plans of patches.cu: patches of a field as rows of a matrix, and back.

use candle_core::{Result, bail};

use super::Argument::{self, Input, Output, Sizes};
use super::Kind::Element;
use super::{Plan, grid_over, size};
use crate::conv::{Axis, patches::Window};

impl Window {
    /// The kernels' `Window`.
    fn argument(&self, op: &str) -> Result<Argument> {
        let of_axes = |f: fn(&Axis) -> usize| self.axes.each_ref().map(f);
        let sizes = [
            self.size,
            self.outputs,
            of_axes(|axis| axis.kernel),
            of_axes(|axis| axis.stride),
            of_axes(|axis| axis.padding.0),
        ];
        let all: Vec<usize> = sizes.concat().into_iter().chain([self.channels]).collect();
        match all.iter().map(|&size| u32::try_from(size).ok()).collect() {
            Some(sizes) => Ok(Sizes(sizes)),
            None => bail!("{op}: sizes beyond 32 bits: {all:?}"),
        }
    }
}

/// Rows that a block gathers; `ROWS_OF_BLOCK` in patches.cu.
const ROWS_OF_BLOCK: usize = 64;

/// `x (B, T, H, W, C)` to `(B T' H' W', kt kh kw C)`.
pub(crate) fn gather(op: &'static str, window: &Window, batch: usize) -> Result<Plan> {
    if window.axes.iter().any(|axis| axis.kernel > usize::from(u8::MAX)) {
        bail!("{op}: on a GPU kernels are at most {} long, got {:?}", u8::MAX, window.axes);
    }
    let rows = batch * window.outputs.iter().product::<usize>();
    let arguments = vec![Input(0), Output(0, 0), size(rows)?, window.argument(op)?];
    let grid = [rows.div_ceil(ROWS_OF_BLOCK), 1, 1];
    Plan::new(op, &[Element], Element, (rows, window.patch_len())).launch("im2col", grid, arguments)
}

/// The transpose of [`gather`].
pub(crate) fn scatter(op: &'static str, window: &Window, batch: usize) -> Result<Plan> {
    let [t, h, w] = window.size;
    let rows = batch * t * h * w;
    let (from, to, sizes) = (Input(0), Output(0, 0), window.argument(op)?);
    let plan = Plan::new(op, &[Element], Element, (batch, t, h, w, window.channels));
    if window.axes.iter().all(|axis| *axis == Axis::patches(axis.kernel)) {
        return plan.launch("col2im_disjoint", [batch * t * h, 1, 1], vec![from, to, sizes]);
    }
    plan.launch("col2im", grid_over(rows), vec![from, to, size(rows)?, sizes])
}
