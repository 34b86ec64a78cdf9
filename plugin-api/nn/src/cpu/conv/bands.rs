//! Bands of output rows, and copies of the input rows that they read.
//!
//! A band of output rows reads a few rows of input. These are copied next to each other, with the zeros of the padding
//! around them. The patch of one output position then consists of a few stretches of the copy, and neighbouring patches
//! overlap in it as they do in the field. Products with the weight read them there.

use crate::cpu::matmul::Rows;
use crate::cpu::scalar::Scalar;
use crate::shape::Window;

/// Output rows `first..first + count` of plane `plane`; planes are counted over all samples.
#[derive(Clone, Copy)]
pub(super) struct Band {
    pub(super) plane: usize,
    pub(super) first: usize,
    pub(super) count: usize,
}

/// Approximate number of elements of a copied band, which should stay in a core's cache.
const BAND: usize = 16 * 1024;

/// The bands of a convolution.
#[derive(Clone, Copy)]
pub(super) struct Bands<'a> {
    window: &'a Window,
}

impl<'a> Bands<'a> {
    pub(super) fn new(window: &'a Window) -> Self {
        Self { window }
    }

    /// Output rows per band.
    pub(super) fn rows_per_band(&self) -> usize {
        let [time, height, _] = &self.window.axes;
        let per_row = time.kernel * height.stride * self.copied_row();
        (BAND / per_row).clamp(1, self.window.outputs[1])
    }

    /// Rows that a band of `count` output rows reads from one plane.
    fn copied_rows(&self, count: usize) -> usize {
        let height = &self.window.axes[1];
        (count - 1) * height.stride + height.kernel
    }

    /// Elements of a copied row.
    fn copied_row(&self) -> usize {
        let width = &self.window.axes[2];
        ((self.window.outputs[2] - 1) * width.stride + width.kernel) * self.window.channels
    }

    /// Copies the input of `band`: its rows for each tap in time, `(kt, rows, positions, C)`.
    pub(super) fn copy<T: Scalar>(&self, x: &[T], band: Band, copy: &mut Vec<T>) {
        let Window { axes: [time, height, width], size, outputs, channels } = *self.window;
        let (rows, row) = (self.copied_rows(band.count), self.copied_row());
        let source_row = size[2] * channels;
        let (sample, frame) = (band.plane / outputs[0], band.plane % outputs[0]);
        let before = (width.padding.0 * channels).min(row);
        let inside = (row - before).min(source_row);
        copy.clear();
        copy.resize(time.kernel * rows * row, T::zero());
        for (i, to) in copy.chunks_exact_mut(row).enumerate() {
            let t = time.input(frame, i / rows, size[0]);
            let h = height.input(band.first, i % rows, size[1]);
            if let (Some(t), Some(h)) = (t, h) {
                let from = &x[((sample * size[0] + t) * size[1] + h) * source_row..][..inside];
                to[before..][..inside].copy_from_slice(from);
            }
        }
    }

    /// The patches of output row `row` of a band, within its copy; `starts` are the band's [`starts`](Self::starts).
    pub(super) fn patches<'b, T>(&self, copy: &'b [T], starts: &'b [usize], row: usize) -> Rows<'b, T> {
        let [_, height, width] = &self.window.axes;
        Rows {
            data: &copy[row * height.stride * self.copied_row()..],
            count: self.window.outputs[2],
            stride: width.stride * self.window.channels,
            starts,
            len: width.kernel * self.window.channels,
        }
    }

    /// The offsets of the stretches of a patch in the copy of a band of `count` rows.
    pub(super) fn starts(&self, count: usize) -> Vec<usize> {
        let [time, height, _] = &self.window.axes;
        let (rows, row) = (self.copied_rows(count), self.copied_row());
        (0..time.kernel * height.kernel).map(|tap| (tap / height.kernel * rows + tap % height.kernel) * row).collect()
    }
}
