//! The inner loops: sums of products of registers with the seven taps.

use super::transform::TAPS;
use crate::cpu::simd::{Float, Vector};

/// Adds to sum `i` the products of the seven taps with the registers of `from` from the `i`-th on.
///
/// # Safety
/// `from` is valid for reading `N + TAPS - 1` registers, `weight` for `TAPS`.
#[inline(always)]
pub(super) unsafe fn add_taps<T: Float, V: Vector<T>, const N: usize>(
    mut sums: [V; N],
    from: *const T,
    weight: *const T,
) -> [V; N] {
    // SAFETY: the caller promises `N + TAPS - 1` registers of `from` and `TAPS` of `weight`.
    unsafe {
        let weight: [V; TAPS] = std::array::from_fn(|k| V::load(weight.add(k * V::LANES)));
        for at in 0..N + TAPS - 1 {
            let value = V::load(from.add(at * V::LANES));
            for (k, &weight) in weight.iter().enumerate() {
                if at >= k && at - k < N {
                    sums[at - k] = value.mul_add(weight, sums[at - k]);
                }
            }
        }
    }
    sums
}

/// Adds to sum `k` the products of `rows` registers of `tile` with those of `window` from the `k`-th on.
///
/// # Safety
/// `tile` is valid for reading `rows` registers, `window` for `rows + TAPS - 1`.
#[inline(always)]
pub(super) unsafe fn add_products<T: Float, V: Vector<T>>(
    mut sums: [V; TAPS],
    window: *const T,
    tile: *const T,
    rows: usize,
) -> [V; TAPS] {
    const TOGETHER: usize = 8;
    let mut row = 0;
    // SAFETY: the caller promises `rows` registers of `tile` and `rows + TAPS - 1` of `window`.
    unsafe {
        while row + TOGETHER <= rows {
            let tile: [V; TOGETHER] = std::array::from_fn(|i| V::load(tile.add((row + i) * V::LANES)));
            for at in 0..TOGETHER + TAPS - 1 {
                let value = V::load(window.add((row + at) * V::LANES));
                for (k, sum) in sums.iter_mut().enumerate() {
                    if at >= k && at - k < TOGETHER {
                        *sum = value.mul_add(tile[at - k], *sum);
                    }
                }
            }
            row += TOGETHER;
        }
        while row < rows {
            let tile = V::load(tile.add(row * V::LANES));
            for (k, sum) in sums.iter_mut().enumerate() {
                *sum = V::load(window.add((row + k) * V::LANES)).mul_add(tile, *sum);
            }
            row += 1;
        }
    }
    sums
}
