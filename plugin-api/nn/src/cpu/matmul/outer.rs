//! Sums of outer products of rows.

use super::operands::{Rows, block_width};
use crate::cpu::simd::{Float, Kernel, Vector, load, load_some, store, store_some};

/// `sums[k][n] += sum over i of a[i][k] * b[i][n]`, `sums (K, N)`: the gradient of a weight.
pub(crate) struct AddOuter<'a, T> {
    pub(crate) a: Rows<'a, T>,
    /// A contiguous matrix with as many rows as `a`.
    pub(crate) b: &'a [T],
    pub(crate) sums: &'a mut [T],
}

impl<T: Float> Kernel<T> for AddOuter<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        self.a.check();
        if self.a.count == 0 {
            return;
        }
        let columns = self.b.len() / self.a.count;
        assert!(self.b.len() == columns * self.a.count && self.sums.len() == self.a.width() * columns);
        match (V::REGISTERS, block_width(V::REGISTERS, columns.div_ceil(V::LANES))) {
            (32, 4) => self.blocks::<V, 6, 4>(columns),
            (32, 3) => self.blocks::<V, 8, 3>(columns),
            (32, 2) => self.blocks::<V, 8, 2>(columns),
            (32, _) => self.blocks::<V, 12, 1>(columns),
            (_, 2) => self.blocks::<V, 6, 2>(columns),
            (_, _) => self.blocks::<V, 8, 1>(columns),
        }
    }
}

impl<T: Float> AddOuter<'_, T> {
    /// All sums, in blocks of `K` rows and `N` registers of columns.
    ///
    /// If the length of a row is close to a power of two, the elements of a column fall into few sets of the cache. If
    /// there are many sums, the operands that many of them read are therefore copied first: some columns of `b` for all
    /// rows of sums, and the columns of `a` for `K` of these rows. A copy that few blocks of sums read costs more than it
    /// saves.
    #[inline(always)]
    fn blocks<V: Vector<T>, const K: usize, const N: usize>(mut self, columns: usize) {
        const COPIED: usize = 16 * 1024;
        let (count, width) = (self.a.count, N * V::LANES);
        let copy = self.a.width() >= 4 * K && columns > width;
        let copy_a = copy && columns >= 4 * width;
        let chunk = if copy { (COPIED / (count * width)).max(1) * width } else { columns.max(1) };
        let mut copied = vec![T::zero(); if copy { count * chunk.min(columns.next_multiple_of(width)) } else { 0 }];
        let mut copied_a = vec![T::zero(); if copy_a { count * K } else { 0 }];
        for first in (0..columns).step_by(chunk) {
            let end = columns.min(first + chunk);
            for (panel, column) in copied.chunks_exact_mut(count * width).zip((first..end).step_by(width)) {
                let used = width.min(end - column);
                for (to, from) in panel.chunks_exact_mut(width).zip(self.b.chunks_exact(columns)) {
                    to[..used].copy_from_slice(&from[column..][..used]);
                }
            }
            let (data, stride, panel) =
                if copy { (copied.as_slice(), width, count * width) } else { (self.b, columns, width) };
            self.columns::<V, K, N>(columns, Columns { data, stride, panel, first, end }, &mut copied_a);
        }
    }

    /// The sums of some columns. `copied_a` has room for a copy of `K` columns of `a`, or is empty: then they are not
    /// copied.
    #[inline(always)]
    fn columns<V: Vector<T>, const K: usize, const N: usize>(
        &mut self,
        columns: usize,
        b: Columns<'_, T>,
        copied_a: &mut [T],
    ) {
        let len = self.a.len;
        for (stretch, &start) in self.a.starts.iter().enumerate() {
            let mut k = 0;
            while k + K <= len {
                self.row_of_blocks::<V, K, N>(columns, b, copied_a, start + k, stretch * len + k);
                k += K;
            }
            while k + 4 <= len {
                self.row_of_blocks::<V, 4, N>(columns, b, copied_a, start + k, stretch * len + k);
                k += 4;
            }
            while k < len {
                self.row_of_blocks::<V, 1, N>(columns, b, copied_a, start + k, stretch * len + k);
                k += 1;
            }
        }
    }

    /// Adds the products of `K` columns of `a`, from `from` on, to as many rows of sums, from `to` on.
    #[inline(always)]
    fn row_of_blocks<V: Vector<T>, const K: usize, const N: usize>(
        &mut self,
        columns: usize,
        b: Columns<'_, T>,
        copied_a: &mut [T],
        from: usize,
        to: usize,
    ) {
        let (count, width) = (self.a.count, N * V::LANES);
        let mut a = (&self.a.data[from..], self.a.stride);
        if !copied_a.is_empty() {
            for (i, to) in copied_a.chunks_exact_mut(K).take(count).enumerate() {
                to.copy_from_slice(&a.0[i * a.1..][..K]);
            }
            a = (copied_a, K);
        }
        for (panel, column) in (b.first..b.end).step_by(width).enumerate() {
            let used = width.min(b.end - column);
            let b_panel = &b.data[panel * b.panel..];
            // A copy's panels are as wide as a block.
            let readable = if b.stride == width { width } else { used };
            assert!(a.0.len() >= (count - 1) * a.1 + K && b_panel.len() >= (count - 1) * b.stride + readable);
            // SAFETY: the assertion above covers all reads of `a` and `b`.
            let sums: [[V; N]; K] =
                unsafe { outer_products(count, (a.0.as_ptr(), a.1), (b_panel.as_ptr(), b.stride, readable)) };
            for (k, sums) in sums.iter().enumerate() {
                let out = &mut self.sums[(to + k) * columns + column..][..used];
                if used == width {
                    // Without a check of each register's length.
                    let out = &mut out[..N * V::LANES];
                    for (n, sum) in sums.iter().enumerate() {
                        let out = &mut out[n * V::LANES..];
                        store(sum.add(load(out)), out);
                    }
                    continue;
                }
                for (n, sum) in sums.iter().enumerate() {
                    let out = &mut out[(n * V::LANES).min(used)..];
                    store_some(sum.add(load_some(out)), out);
                }
            }
        }
    }
}

/// The columns from `first` to `end` of a matrix: panels of a block's width, `panel` apart, with rows `stride` apart.
#[derive(Clone, Copy)]
struct Columns<'a, T> {
    data: &'a [T],
    stride: usize,
    panel: usize,
    first: usize,
    end: usize,
}

/// The sum over `count` rows of `a[i][k] * b[i][n]`, the rows being `stride` and `columns` apart.
///
/// # Safety
/// `a` is valid for reading rows of `K` elements, and `b` rows of `N` registers, or of `used` elements if that is less.
#[inline(always)]
unsafe fn outer_products<T: Float, V: Vector<T>, const K: usize, const N: usize>(
    count: usize,
    (a, stride): (*const T, usize),
    (b, columns, used): (*const T, usize, usize),
) -> [[V; N]; K] {
    let mut sums = [[V::splat(T::zero()); N]; K];
    if used >= N * V::LANES {
        for i in 0..count {
            // SAFETY: row `i` is within the `count` rows that the caller promises.
            unsafe {
                let b = std::array::from_fn(|n| V::load(b.add(i * columns + n * V::LANES)));
                add_products(&mut sums, a.add(i * stride), b);
            }
        }
    } else {
        for i in 0..count {
            // SAFETY: row `i` is within the `count` rows that the caller promises.
            unsafe {
                let b = std::slice::from_raw_parts(b.add(i * columns), used);
                let b = std::array::from_fn(|n| load_some(&b[(n * V::LANES).min(used)..]));
                add_products(&mut sums, a.add(i * stride), b);
            }
        }
    }
    sums
}

/// `sums[k][n] += a[k] * b[n]`.
///
/// # Safety
/// `a` is valid for reading `K` elements.
#[inline(always)]
unsafe fn add_products<T: Float, V: Vector<T>, const K: usize, const N: usize>(
    sums: &mut [[V; N]; K],
    a: *const T,
    b: [V; N],
) {
    for (k, sums) in sums.iter_mut().enumerate() {
        // SAFETY: `k < K`, and the caller promises `K` elements.
        let a = V::splat(unsafe { *a.add(k) });
        for (sum, b) in sums.iter_mut().zip(b) {
            *sum = a.mul_add(b, *sum);
        }
    }
}
