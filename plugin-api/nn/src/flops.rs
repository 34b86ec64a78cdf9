//! Counts the floating-point operations of this crate's operations, by their definitions.
//!
//! Counted are the multiply-adds of convolutions and matrix products, two operations each, as in a direct evaluation:
//! neither taps on padding, nor work beyond the definition (such as recomputation in a backward pass). Not counted are
//! normalisations, activations, softmax, the element-wise parts of losses, the optimizer, and matrix products outside
//! this crate.
//!
//! When an operation is called it counts its forward pass, and records the cost of its gradients: as much again for
//! each operand that has one. These are counted once the backward pass has [run](backward_ran).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use candle_core::Tensor;

use crate::shape::Axis;

static DONE: AtomicU64 = AtomicU64::new(0);
/// Operations of the gradients, in case a backward pass follows.
static PENDING: AtomicU64 = AtomicU64::new(0);

/// Floating-point operations in this process so far.
pub fn total() -> u64 {
    DONE.load(Relaxed)
}

/// Starts a step: discards the recorded cost of gradients that were not computed.
pub fn step_begins() {
    PENDING.store(0, Relaxed);
}

/// Counts the gradients of all operations since [`step_begins`].
pub fn backward_ran() {
    DONE.fetch_add(PENDING.swap(0, Relaxed), Relaxed);
}

/// Counts an operation of `multiply_adds` on two operands.
pub(crate) fn entered(multiply_adds: usize, operands: [&Tensor; 2]) {
    let flops = 2 * multiply_adds as u64;
    let gradients = operands.iter().filter(|operand| operand.track_op()).count() as u64;
    DONE.fetch_add(flops, Relaxed);
    PENDING.fetch_add(gradients * flops, Relaxed);
}

/// Counts the product of `a (.., M, K)` times `b (.., K, N)`.
pub(crate) fn matmul(a: &Tensor, b: &Tensor) {
    entered(a.elem_count() * b.dims().last().copied().unwrap_or(0), [a, b]);
}

/// Counts a convolution of `x (B, T, H, W, ..)` that connects `pairs` pairs of an input and an output channel.
pub(crate) fn conv(x: &Tensor, weight: &Tensor, axes: &[Axis; 3], pairs: usize) {
    let sizes = &x.dims()[1..4];
    let taps: usize = axes.iter().zip(sizes).map(|(axis, &size)| taps(axis, size)).product();
    entered(x.dims()[0] * taps * pairs, [x, weight]);
}

/// The number of pairs of an output and a tap that fall on the `size` points of an axis, not on padding.
fn taps(axis: &Axis, size: usize) -> usize {
    let outputs = axis.outputs(size).unwrap_or(0);
    let read = |at| (0..axis.kernel).filter(|&tap| axis.input(at, tap, size).is_some()).count();
    (0..outputs).map(read).sum()
}

#[cfg(test)]
mod tests {
    use super::{Axis, taps};

    #[test]
    fn taps_on_padding_do_not_count() {
        assert_eq!(taps(&Axis::same(7), 1), 1);
        assert_eq!(taps(&Axis::same(3), 2), 4);
        // 7 taps at each of the six inner points; 4, 5 and 6 at either end.
        assert_eq!(taps(&Axis::same(7), 12), 6 * 7 + 2 * (4 + 5 + 6));
        assert_eq!(taps(&Axis::patches(2), 5), 4);
    }
}
