//! Counts the floating-point operations that the definitions of this crate's operations ask for.
//!
//! Counted are the multiply-adds of convolutions and matrix products, two operations each, as a direct evaluation has
//! them: taps that fall on padding are not counted, and what an algorithm does beyond the definition (computing
//! something again in a backward pass, say) is not either. Normalisations, activations, softmax, losses' elementwise
//! parts and the optimizer are left out, and so are products that a method makes on tensors of its own.
//!
//! An operation tells of its forward pass when it is entered, and then, too, what its gradients would cost: as much
//! again for each operand that has one. That counts only once a backward pass has [run](backward_ran).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use candle_core::Tensor;

use crate::conv::Axis;

static DONE: AtomicU64 = AtomicU64::new(0);
/// Of the gradients, should a backward pass follow.
static PENDING: AtomicU64 = AtomicU64::new(0);

/// Floating-point operations asked for in this process so far.
pub fn total() -> u64 {
    DONE.load(Relaxed)
}

/// Forgets what gradients would have cost: a new step begins.
pub fn step_begins() {
    PENDING.store(0, Relaxed);
}

/// The gradients of all operations since [`step_begins`] were computed.
pub fn backward_ran() {
    DONE.fetch_add(PENDING.swap(0, Relaxed), Relaxed);
}

/// An operation of that many multiply-adds on two operands is entered.
pub(crate) fn entered(multiply_adds: usize, operands: [&Tensor; 2]) {
    let flops = 2 * multiply_adds as u64;
    let gradients = operands.iter().filter(|operand| operand.track_op()).count() as u64;
    DONE.fetch_add(flops, Relaxed);
    PENDING.fetch_add(gradients * flops, Relaxed);
}

/// Multiply-adds of `a (.., M, K)` times `b (.., K, N)`.
pub(crate) fn matmul(a: &Tensor, b: &Tensor) {
    entered(a.elem_count() * b.dims().last().copied().unwrap_or(0), [a, b]);
}

/// Multiply-adds of a convolution of `x (B, T, H, W, ..)` that connects that many pairs of an input and an output channel.
pub(crate) fn conv(x: &Tensor, weight: &Tensor, axes: &[Axis; 3], pairs: usize) {
    let sizes = &x.dims()[1..4];
    let taps: usize = axes.iter().zip(sizes).map(|(axis, &size)| taps(axis, size)).product();
    entered(x.dims()[0] * taps * pairs, [x, weight]);
}

/// How often a kernel's taps fall on one of the `size` points of an axis, rather than on padding.
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
        // All 7 of the six inner points; 4, 5, 6 at either end.
        assert_eq!(taps(&Axis::same(7), 12), 6 * 7 + 2 * (4 + 5 + 6));
        assert_eq!(taps(&Axis::patches(2), 5), 4);
    }
}
