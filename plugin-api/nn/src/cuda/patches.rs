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

/// `x (B, T, H, W, C)` to `(B T' H' W', kt kh kw C)`.
pub(crate) fn gather(op: &'static str, window: &Window, batch: usize) -> Result<Plan> {
    let rows = batch * window.outputs.iter().product::<usize>();
    let arguments = vec![Input(0), Output(0), size(rows)?, window.argument(op)?];
    Plan::new(op, &[Element], Element, (rows, window.patch_len())).launch("gather_patches", grid_over(rows), arguments)
}

/// The transpose of [`gather`].
pub(crate) fn scatter(op: &'static str, window: &Window, batch: usize) -> Result<Plan> {
    let [t, h, w] = window.size;
    let rows = batch * t * h * w;
    let arguments = vec![Input(0), Output(0), size(rows)?, window.argument(op)?];
    let shape = (batch, t, h, w, window.channels);
    Plan::new(op, &[Element], Element, shape).launch("scatter_patches", grid_over(rows), arguments)
}
