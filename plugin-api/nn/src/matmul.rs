//! Products of many short rows with small matrices, which is what layers on channels-last fields are made of.
//!
//! A block of results stays in registers while the kernel walks along the inner dimension: it loads a few registers of
//! the right-hand matrix, and multiplies each by one number of every row. Rows are read where they lie, so that a
//! convolution's overlapping patches need not be copied out. Each result is one sum in the order of the inner index,
//! whatever the blocking.

use rayon::prelude::*;

use crate::float::Float;
use crate::simd::{Isa, Kernel, Vector, load_some, store_some};

/// Rows of a left-hand matrix, each made of stretches of a slice: row `i`'s stretch `s` is
/// `data[i * stride + starts[s]..][..len]`.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) count: usize,
    pub(crate) stride: usize,
    pub(crate) starts: &'a [usize],
    pub(crate) len: usize,
}

impl<'a, T> Rows<'a, T> {
    /// The rows of a plain matrix of `columns` columns.
    pub(crate) fn plain(data: &'a [T], columns: usize) -> Self {
        Self { data, count: data.len() / columns, stride: columns, starts: &[0], len: columns }
    }

    /// Length of a row.
    pub(crate) fn width(&self) -> usize {
        self.starts.len() * self.len
    }

    /// Panics unless all rows lie within the slice.
    fn check(&self) {
        let last = self.starts.iter().max().copied().unwrap_or(0) + self.len;
        assert!(self.count == 0 || (self.count - 1) * self.stride + last <= self.data.len());
    }
}

/// How many registers of columns a block of results is wide, for `registers` registers of columns altogether.
const fn block_width(registers: usize, columns: usize) -> usize {
    let most = if registers >= 32 { 4 } else { 2 };
    if columns >= most {
        most
    } else if columns == 3 {
        3
    } else {
        columns
    }
}

/// A right-hand matrix `(K, N)` cut into panels, each as many columns wide as a block of results, row after row; the
/// last one filled up with zeros.
pub(crate) struct Panels<T> {
    data: Vec<T>,
    inner: usize,
    columns: usize,
}

impl<T: Float> Panels<T> {
    /// The matrix whose element in row `k` and column `n` is `at(k, n)`, for the instruction set `isa`.
    pub(crate) fn new(isa: Isa, inner: usize, columns: usize, at: impl Fn(usize, usize) -> T + Sync) -> Self {
        struct Width(usize);
        impl<T: Float> Kernel<T> for Width {
            type Output = usize;
            #[inline(always)]
            fn run<V: Vector<T>>(self) -> usize {
                V::LANES * block_width(V::REGISTERS, self.0.div_ceil(V::LANES))
            }
        }
        let width = isa.run::<T, _>(Width(columns));
        let mut data = vec![T::zero(); columns.div_ceil(width) * inner * width];
        data.par_chunks_mut((inner * width).max(1)).enumerate().for_each(|(panel, data)| {
            for (k, row) in data.chunks_exact_mut(width).enumerate() {
                for (i, value) in row.iter_mut().enumerate().take(columns - panel * width) {
                    *value = at(k, panel * width + i);
                }
            }
        });
        Self { data, inner, columns }
    }
}

/// What a product is added to.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a, T> {
    Zero,
    /// Every row starts as this one.
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
    /// All results, in blocks of `M` rows and `N` registers. Long rows are cut: the part of a panel that meets one piece
    /// stays in the cache for all blocks of rows.
    #[inline(always)]
    fn blocks<V: Vector<T>, const M: usize, const N: usize>(mut self) {
        const PIECE: usize = 384;
        let (count, width) = (self.rows.count, N * V::LANES);
        let Rows { starts, len, .. } = self.rows;
        for panel in 0..self.panels.columns.div_ceil(width) {
            if self.rows.width() <= PIECE + PIECE / 2 {
                let piece = Piece { starts, len, inner: 0 };
                self.rows_of_blocks::<V, M, N>(panel, count, piece);
                continue;
            }
            for (stretch, start) in starts.iter().enumerate() {
                for first in (0..len).step_by(PIECE) {
                    let start = [start + first];
                    let inner = stretch * len + first;
                    let piece = Piece { starts: &start, len: PIECE.min(len - first), inner };
                    self.rows_of_blocks::<V, M, N>(panel, count, piece);
                }
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
            // What earlier pieces gave.
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
            for (n, sum) in sums.iter().enumerate() {
                store_some(*sum, &mut out[(n * V::LANES).min(used)..]);
            }
        }
    }
}

/// Stretches of all rows, and the row of the right-hand matrix that meets the first of their columns.
#[derive(Clone, Copy)]
struct Piece<'a> {
    starts: &'a [usize],
    len: usize,
    inner: usize,
}

/// `sums[k][n] += sum over i of a[i][k] * b[i][n]`: what a weight's gradient is. `sums (K, N)`.
pub(crate) struct AddOuter<'a, T> {
    pub(crate) a: Rows<'a, T>,
    /// As many rows as `a`, plain.
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
    /// Rows whose length is nearly a power of two lie so far apart that a column's numbers fall into few sets of the cache.
    /// Where there are many sums, what many of them read is therefore copied first: some columns of `b` for all rows of
    /// sums, and the columns of `a` for `K` of these.
    #[inline(always)]
    fn blocks<V: Vector<T>, const K: usize, const N: usize>(mut self, columns: usize) {
        const COPIED: usize = 16 * 1024;
        let (count, width) = (self.a.count, N * V::LANES);
        let copy = self.a.width() >= 4 * K;
        let chunk = if copy { (COPIED / (count * width)).max(1) * width } else { columns.max(1) };
        let mut copied = vec![T::zero(); if copy { count * chunk.min(columns.next_multiple_of(width)) } else { 0 }];
        let mut copied_a = vec![T::zero(); if copy { count * K } else { 0 }];
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

    /// The sums of some columns. If there is room for a copy of `K` columns of `a`, these are copied.
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

    /// Adds to `K` rows of sums from `to` on what the columns of `a` from `from` on give.
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
            // SAFETY: checked on the line above.
            let sums: [[V; N]; K] =
                unsafe { outer_products(count, (a.0.as_ptr(), a.1), (b_panel.as_ptr(), b.stride, readable)) };
            for (k, sums) in sums.iter().enumerate() {
                let out = &mut self.sums[(to + k) * columns + column..][..used];
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

/// Adds to `sums` the product of rows of `len` numbers, `stride` apart from `a` on, with as many rows of a panel.
///
/// By value, and so in [`outer_products`]: only then does the compiler keep the sums in registers alone.
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
        // SAFETY: the caller's promise.
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

/// The sum over `count` rows of `a[i][k] * b[i][n]`, the rows being `stride` and `columns` apart.
///
/// # Safety
/// `a` is valid for reading rows of `K` numbers, and `b` rows of `N` registers, or of `used` numbers if that is less.
#[inline(always)]
unsafe fn outer_products<T: Float, V: Vector<T>, const K: usize, const N: usize>(
    count: usize,
    (a, stride): (*const T, usize),
    (b, columns, used): (*const T, usize, usize),
) -> [[V; N]; K] {
    let mut sums = [[V::splat(T::zero()); N]; K];
    if used >= N * V::LANES {
        for i in 0..count {
            // SAFETY: the caller's promise.
            unsafe {
                let b = std::array::from_fn(|n| V::load(b.add(i * columns + n * V::LANES)));
                add_products(&mut sums, a.add(i * stride), b);
            }
        }
    } else {
        for i in 0..count {
            // SAFETY: the caller's promise.
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
/// `a` is valid for reading `K` numbers.
#[inline(always)]
unsafe fn add_products<T: Float, V: Vector<T>, const K: usize, const N: usize>(
    sums: &mut [[V; N]; K],
    a: *const T,
    b: [V; N],
) {
    for (k, sums) in sums.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        let a = V::splat(unsafe { *a.add(k) });
        for (sum, b) in sums.iter_mut().zip(b) {
            *sum = a.mul_add(b, *sum);
        }
    }
}
