//! The operands of a product: rows on the left, panels on the right.

use rayon::prelude::*;

use crate::cpu::simd::{Float, Isa, Kernel, Vector};

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
    pub(super) fn check(&self) {
        let last = self.starts.iter().max().copied().unwrap_or(0) + self.len;
        assert!(self.count == 0 || (self.count - 1) * self.stride + last <= self.data.len());
    }
}

/// The width of a block of results, in registers, for a matrix of `columns` registers of columns on a machine with
/// `registers` registers.
pub(super) const fn block_width(registers: usize, columns: usize) -> usize {
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
/// last one is padded with zeros.
pub(crate) struct Panels<T> {
    pub(super) data: Vec<T>,
    /// K.
    pub(super) inner: usize,
    /// N.
    pub(super) columns: usize,
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
