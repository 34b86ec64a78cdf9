//! The product of rows with panels.

use super::operands::{Panels, Rows, block_width};
use crate::cpu::simd::{Float, Kernel, Vector, load_some, store, store_some};

/// The value that a product is added to.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a, T> {
    Zero,
    /// This row, for every row of the result.
    Row(&'a [T]),
}

/// `out = start + rows * panels`, with the rows of `out` `out_stride` apart.
pub(crate) struct Multiply<'a, T> {
    pub(crate) rows: Rows<'a, T>,
    pub(crate) panels: &'a Panels<T>,
    pub(crate) start: Start<'a, T>,
    pub(crate) out: &'a mut [T],
    pub(crate) out_stride: usize,
}

impl<T: Float> Kernel<T> for Multiply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let (rows, columns) = (&self.rows, self.panels.columns);
        rows.check();
        assert!(rows.width() == self.panels.inner);
        assert!(rows.count == 0 || (rows.count - 1) * self.out_stride + columns <= self.out.len());
        if let Start::Row(start) = self.start {
            assert!(start.len() == columns);
        }
        match (V::REGISTERS, block_width(V::REGISTERS, columns.div_ceil(V::LANES))) {
            (32, 4) => self.blocks::<V, 6, 4>(),
            (32, 3) => self.blocks::<V, 8, 3>(),
            (32, 2) => self.blocks::<V, 8, 2>(),
            (32, _) => self.blocks::<V, 12, 1>(),
            (_, 2) => self.blocks::<V, 6, 2>(),
            (_, _) => self.blocks::<V, 8, 1>(),
        }
    }
}

impl<T: Float> Multiply<'_, T> {
    /// All results, in blocks of `M` rows and `N` registers. Long rows are cut into pieces: the part of a panel that
    /// belongs to one piece stays in the cache for all blocks of rows.
    #[inline(always)]
    fn blocks<V: Vector<T>, const M: usize, const N: usize>(mut self) {
        const PIECE: usize = 384;
        let (count, width) = (self.rows.count, N * V::LANES);
        let Rows { starts, len, .. } = self.rows;
        let whole = self.rows.width() <= PIECE + PIECE / 2;
        let per_stretch = if whole { 1 } else { len.div_ceil(PIECE) };
        let pieces = if whole { 1 } else { starts.len() * per_stretch };
        for panel in 0..self.panels.columns.div_ceil(width) {
            for piece in 0..pieces {
                let (stretch, first) = (piece / per_stretch, piece % per_stretch * PIECE);
                let start = [starts[stretch] + first];
                let piece = match whole {
                    true => Piece { starts, len, inner: 0 },
                    false => Piece { starts: &start, len: PIECE.min(len - first), inner: stretch * len + first },
                };
                self.rows_of_blocks::<V, M, N>(panel, count, piece);
            }
        }
    }

    #[inline(always)]
    fn rows_of_blocks<V: Vector<T>, const M: usize, const N: usize>(
        &mut self,
        panel: usize,
        count: usize,
        piece: Piece<'_>,
    ) {
        let mut row = 0;
        while row + M <= count {
            self.block::<V, M, N>(panel, row, piece);
            row += M;
        }
        while row + 4 <= count {
            self.block::<V, 4, N>(panel, row, piece);
            row += 4;
        }
        while row < count {
            self.block::<V, 1, N>(panel, row, piece);
            row += 1;
        }
    }

    #[inline(always)]
    fn block<V: Vector<T>, const M: usize, const N: usize>(&mut self, panel: usize, first: usize, piece: Piece<'_>) {
        let (rows, inner, width) = (&self.rows, self.panels.inner, N * V::LANES);
        let column = panel * width;
        let used = width.min(self.panels.columns - column);
        let mut sums = [[V::splat(T::zero()); N]; M];
        match self.start {
            // Continues the sums of earlier pieces.
            _ if piece.inner > 0 => {
                for (m, sums) in sums.iter_mut().enumerate() {
                    let out = &self.out[(first + m) * self.out_stride + column..][..used];
                    for (n, sum) in sums.iter_mut().enumerate() {
                        *sum = load_some(&out[(n * V::LANES).min(used)..]);
                    }
                }
            }
            Start::Row(start) => {
                for (n, sum) in sums[0].iter_mut().enumerate() {
                    *sum = load_some(&start[(column + n * V::LANES).min(start.len())..]);
                }
                sums = [sums[0]; M];
            }
            Start::Zero => {}
        }
        let mut b = self.panels.data[(panel * inner + piece.inner) * width..][..piece.starts.len() * piece.len * width]
            .as_ptr();
        for &start in piece.starts {
            // SAFETY: the caller has checked that all rows lie within the slice; the panel has as many rows as are
            // read here.
            unsafe {
                let a = rows.data.as_ptr().add(first * rows.stride + start);
                sums = products(sums, a, rows.stride, b, piece.len);
                b = b.add(piece.len * width);
            }
        }
        for (m, sums) in sums.iter().enumerate() {
            let out = &mut self.out[(first + m) * self.out_stride + column..][..used];
            if used == width {
                // Without a check of each register's length.
                for (n, sum) in sums.iter().enumerate() {
                    store(*sum, &mut out[..N * V::LANES][n * V::LANES..]);
                }
                continue;
            }
            for (n, sum) in sums.iter().enumerate() {
                store_some(*sum, &mut out[(n * V::LANES).min(used)..]);
            }
        }
    }
}

/// Stretches of all rows, and the row of the right-hand matrix for their first column.
#[derive(Clone, Copy)]
struct Piece<'a> {
    starts: &'a [usize],
    len: usize,
    inner: usize,
}

/// Adds to `sums` the product of rows of `len` elements, `stride` apart from `a` on, with as many rows of a panel.
///
/// Takes and returns the sums by value: only then does the compiler keep them in registers.
///
/// # Safety
/// `a` is valid for reading `M` such rows, and `b` for `len` rows of `N` registers.
#[inline(always)]
unsafe fn products<T: Float, V: Vector<T>, const M: usize, const N: usize>(
    mut sums: [[V; N]; M],
    a: *const T,
    stride: usize,
    b: *const T,
    len: usize,
) -> [[V; N]; M] {
    for k in 0..len {
        // SAFETY: the caller promises `M` rows of `len` elements at `a`, and `len` rows of `N` registers at `b`.
        unsafe {
            let b: [V; N] = std::array::from_fn(|n| V::load(b.add((k * N + n) * V::LANES)));
            for (m, sums) in sums.iter_mut().enumerate() {
                let a = V::splat(*a.add(m * stride + k));
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = a.mul_add(b, *sum);
                }
            }
        }
    }
    sums
}
