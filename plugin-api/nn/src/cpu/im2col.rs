//! The patches of a convolution as rows of a matrix, and the transpose of that copy.

use rayon::prelude::*;

use super::scalar::Scalar;
use super::zeros::zeros;
use crate::shape::Window;

/// Calls `f` with every tap (in time and height) that reads a row of input for the output row `(t, h)`: the index of
/// the tap, and the index of that row within the sample.
fn rows_read(window: &Window, t: usize, h: usize, mut f: impl FnMut(usize, usize)) {
    let [time, height, _] = &window.axes;
    for dt in 0..time.kernel {
        for dh in 0..height.kernel {
            let source = time.input(t, dt, window.size[0]);
            let row = height.input(h, dh, window.size[1]);
            if let (Some(t), Some(h)) = (source, row) {
                f(dt * height.kernel + dh, t * window.size[1] + h);
            }
        }
    }
}

/// Copies the patch of each output position to a row: `(B, T, H, W, C)` to `(B T' H' W', kt kh kw C)`.
pub(crate) fn im2col<T: Scalar>(window: &Window, x: &[T]) -> Vec<T> {
    let [to, ho, wo] = window.outputs;
    let (c, width) = (window.channels, window.axes[2]);
    let row_len = window.size[2] * c;
    let sample_len = window.size[0] * window.size[1] * row_len;
    let batch = x.len() / sample_len;
    let patch_len = window.patch_len();
    let mut patches = zeros(batch * to * ho * wo * patch_len);
    patches.par_chunks_mut(wo * patch_len).enumerate().for_each(|(i, row)| {
        let sample = &x[i / (to * ho) * sample_len..][..sample_len];
        rows_read(window, i / ho % to, i % ho, |tap, source| {
            let source = &sample[source * row_len..][..row_len];
            for (w, patch) in row.chunks_exact_mut(patch_len).enumerate() {
                for dw in 0..width.kernel {
                    if let Some(at) = width.input(w, dw, window.size[2]) {
                        patch[(tap * width.kernel + dw) * c..][..c].copy_from_slice(&source[at * c..][..c]);
                    }
                }
            }
        });
    });
    patches
}

/// The transpose of [`im2col`]: adds every element of a row to the position that it was copied from.
pub(crate) fn col2im<T: Scalar>(window: &Window, patches: &[T], batch: usize) -> Vec<T> {
    let [to, ho, wo] = window.outputs;
    let (c, width) = (window.channels, window.axes[2]);
    let row_len = window.size[2] * c;
    let sample_len = window.size[0] * window.size[1] * row_len;
    let patch_len = window.patch_len();
    let mut x = zeros(batch * sample_len);
    x.par_chunks_mut(sample_len).zip(patches.par_chunks(to * ho * wo * patch_len)).for_each(|(sample, patches)| {
        for (i, row) in patches.chunks_exact(wo * patch_len).enumerate() {
            rows_read(window, i / ho, i % ho, |tap, source| {
                let source = &mut sample[source * row_len..][..row_len];
                for (w, patch) in row.chunks_exact(patch_len).enumerate() {
                    for dw in 0..width.kernel {
                        if let Some(at) = width.input(w, dw, window.size[2]) {
                            let from = &patch[(tap * width.kernel + dw) * c..][..c];
                            for (sum, value) in source[at * c..][..c].iter_mut().zip(from) {
                                *sum += *value;
                            }
                        }
                    }
                }
            });
        }
    });
    x
}
