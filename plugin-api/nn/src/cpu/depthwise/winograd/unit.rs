//! The loops over one unit of work: evaluation at the points, the sums along time and height, and the way back.

use std::ops::Range;

use super::products::{add_products, add_taps};
use super::transform::{POINTS, TAPS, TILE, Transform};
use crate::cpu::depthwise::target::Target;
use crate::cpu::simd::{Float, Kernel, Vector, load_some, prefetch, store_some};
use crate::shape::DepthwiseShape;

/// Rows between the one that is read or written and the one whose memory is asked for: a tile is a few columns wide, and
/// its rows are too far apart for a processor to foresee the next one.
const AHEAD: usize = 4;

/// The work of a task at a time: one register of channels of a tile of columns, over some rows and all frames of a
/// sample.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    /// Index of the register of channels.
    pub(super) block: usize,
    pub(super) sample: usize,
    pub(super) first_row: usize,
    pub(super) rows: usize,
    pub(super) first_column: usize,
}

/// The positions of a unit in the field and in its evaluated windows.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    shape: &'a DepthwiseShape,
    unit: Unit,
    first_channel: usize,
    /// Channels of the register that exist in the field.
    used: usize,
    /// Columns of the tile that exist in the field.
    columns: usize,
    /// Rows of an evaluated window.
    window_rows: usize,
}

impl<'a> Place<'a> {
    #[inline(always)]
    pub(super) fn new(shape: &'a DepthwiseShape, unit: Unit, lanes: usize) -> Self {
        let first_channel = unit.block * lanes;
        Self {
            shape,
            unit,
            first_channel,
            used: lanes.min(shape.channels - first_channel),
            columns: TILE.min(shape.size[2] - unit.first_column),
            window_rows: unit.rows + TAPS - 1,
        }
    }

    /// The register's first channel at the first column of a row of the sample.
    #[inline(always)]
    fn row(&self, t: usize, h: usize) -> usize {
        let [frames, height, width] = self.shape.size;
        ((self.unit.sample * frames + t) * height + h) * width * self.shape.channels + self.first_channel
    }

    /// The channels at column `w` of a [`row`](Self::row).
    #[inline(always)]
    fn at(&self, row: usize, w: usize) -> Range<usize> {
        let first = row + w * self.shape.channels;
        first..first + self.used
    }

    /// The registers of `N` columns of a row from `first` on, zeros where the field has no such column.
    #[inline(always)]
    fn columns<T: Float, V: Vector<T>, const N: usize>(&self, x: &[T], row: usize, first: isize) -> [V; N] {
        let mut columns = [V::splat(T::zero()); N];
        for (i, column) in columns.iter_mut().enumerate() {
            let w = first + i as isize;
            if (0..self.shape.size[2] as isize).contains(&w) {
                *column = load_some(&x[self.at(row, w as usize)]);
            }
        }
        columns
    }

    /// Asks for the memory of `N` columns of a row from `first` on.
    #[inline(always)]
    fn prefetch<T, const N: usize>(&self, x: *const T, row: usize, first: isize) {
        for i in 0..N as isize {
            prefetch(x.wrapping_add(row).wrapping_offset((first + i) * self.shape.channels as isize));
        }
    }

    /// Evaluates the windows of `x`, for the unit's rows and for the rows around them that taps reach.
    #[inline(always)]
    fn evaluate_windows<T: Float, V: Vector<T>>(&self, transform: &Transform<V>, x: &[T], windows: &mut Vec<T>) {
        let [frames, height, _] = self.shape.size;
        let zero = V::splat(T::zero());
        let stride = frames * self.window_rows * V::LANES;
        windows.resize(POINTS * stride, T::zero());
        let first = self.unit.first_column as isize - (TAPS / 2) as isize;
        let h = |row: usize| (self.unit.first_row + row).checked_sub(TAPS / 2).filter(|&h| h < height);
        for t in 0..frames {
            for row in 0..self.window_rows {
                if let Some(h) = h(row + AHEAD) {
                    self.prefetch::<T, POINTS>(x.as_ptr(), self.row(t, h), first);
                }
                let mut points = [zero; POINTS];
                if let Some(h) = h(row) {
                    points = transform.window::<T>(&self.columns(x, self.row(t, h), first));
                }
                for (point, value) in points.into_iter().enumerate() {
                    store_some(value, &mut windows[point * stride + (t * self.window_rows + row) * V::LANES..]);
                }
            }
        }
    }

    /// Convolves each point along time and height.
    #[inline(always)]
    fn convolve<T: Float, V: Vector<T>>(&self, windows: &[T], weight: &[T], tiles: &mut Vec<T>) {
        let frames = self.shape.size[0];
        let plane = self.window_rows * V::LANES;
        tiles.resize(POINTS * frames * self.unit.rows * V::LANES, T::zero());
        let windows = windows.chunks_exact(frames * plane);
        let weights = weight.chunks_exact(self.shape.kernel[0] * TAPS * V::LANES);
        let tiles = tiles.chunks_exact_mut(frames * self.unit.rows * V::LANES);
        for ((window, weight), tile) in windows.zip(weights).zip(tiles) {
            for (t, tile) in tile.chunks_exact_mut(self.unit.rows * V::LANES).enumerate() {
                // The last block of rows overlaps the one before it, so that all blocks are whole.
                let mut row = 0;
                while row < self.unit.rows {
                    let step = match self.unit.rows {
                        8.. => self.convolve_rows::<T, V, 8>(window, weight, t, row.min(self.unit.rows - 8), tile),
                        4.. => self.convolve_rows::<T, V, 4>(window, weight, t, row.min(self.unit.rows - 4), tile),
                        _ => self.convolve_rows::<T, V, 1>(window, weight, t, row, tile),
                    };
                    row += step;
                }
            }
        }
    }

    /// Rows `row..row + N` of frame `t`; returns `N`.
    #[inline(always)]
    fn convolve_rows<T: Float, V: Vector<T>, const N: usize>(
        &self,
        window: &[T],
        weight: &[T],
        t: usize,
        row: usize,
        tile: &mut [T],
    ) -> usize {
        let plane = self.window_rows * V::LANES;
        let mut sums = [V::splat(T::zero()); N];
        for dt in self.shape.valid_taps(0, t) {
            let from =
                &window[(t + dt - self.shape.kernel[0] / 2) * plane + row * V::LANES..][..(N + TAPS - 1) * V::LANES];
            let weight = &weight[dt * TAPS * V::LANES..][..TAPS * V::LANES];
            // SAFETY: the slices hold `N + TAPS - 1` and `TAPS` registers.
            sums = unsafe { add_taps(sums, from.as_ptr(), weight.as_ptr()) };
        }
        for (sum, to) in sums.into_iter().zip(tile[row * V::LANES..].chunks_exact_mut(V::LANES)) {
            store_some(sum, to);
        }
        N
    }

    /// Transforms the convolved points back, and writes them.
    #[inline(always)]
    fn write<T: Float, V: Vector<T>>(&self, transform: &Transform<V>, tiles: &[T], bias: V, y: &Target<'_, T>) {
        let [frames, _, width] = self.shape.size;
        let row_length = width * self.shape.channels;
        let stride = frames * self.unit.rows * V::LANES;
        for t in 0..frames {
            for row in 0..self.unit.rows {
                let field_row = self.row(t, self.unit.first_row + row);
                self.prefetch::<T, TILE>(y.as_ptr(), field_row + AHEAD * row_length, self.unit.first_column as isize);
                let from = &tiles[(t * self.unit.rows + row) * V::LANES..];
                let points: [V; POINTS] = std::array::from_fn(|point| load_some(&from[point * stride..]));
                let outputs = transform.outputs::<T>(&points);
                for (i, output) in outputs.into_iter().enumerate().take(self.columns) {
                    let range = self.at(field_row, self.unit.first_column + i);
                    // SAFETY: no other unit has these channels of these rows and columns.
                    unsafe { y.write(range, output.add(bias)) };
                }
            }
        }
    }

    /// Evaluates the unit's own tile of `x` at the points.
    #[inline(always)]
    pub(super) fn evaluate_tile<T: Float, V: Vector<T>>(&self, transform: &Transform<V>, x: &[T], tiles: &mut Vec<T>) {
        let [frames, _, width] = self.shape.size;
        let row_length = width * self.shape.channels;
        let stride = frames * self.unit.rows * V::LANES;
        tiles.resize(POINTS * stride, T::zero());
        for t in 0..frames {
            for row in 0..self.unit.rows {
                let field_row = self.row(t, self.unit.first_row + row);
                let first = self.unit.first_column as isize;
                self.prefetch::<T, TILE>(x.as_ptr(), field_row + AHEAD * row_length, first);
                let inputs = self.columns(x, field_row, first);
                for (point, value) in transform.tile::<T>(&inputs).into_iter().enumerate() {
                    store_some(value, &mut tiles[point * stride + (t * self.unit.rows + row) * V::LANES..]);
                }
            }
        }
    }

    /// Adds the products of tiles and windows, point by point, to the sums of `[point][kt, kh][lane]`.
    #[inline(always)]
    pub(super) fn correlate<T: Float, V: Vector<T>>(&self, windows: &[T], tiles: &[T], sums: &mut [T]) {
        let frames = self.shape.size[0];
        let (plane, tile_plane) = (self.window_rows * V::LANES, self.unit.rows * V::LANES);
        let sums = sums.chunks_exact_mut(self.shape.kernel[0] * TAPS * V::LANES);
        let fields = windows.chunks_exact(frames * plane).zip(tiles.chunks_exact(frames * tile_plane));
        for (sums, (window, tile)) in sums.zip(fields) {
            for (dt, sums) in sums.chunks_exact_mut(TAPS * V::LANES).enumerate() {
                let mut total: [V; TAPS] = std::array::from_fn(|k| load_some(&sums[k * V::LANES..]));
                for t in 0..frames {
                    if !self.shape.valid_taps(0, t).contains(&dt) {
                        continue;
                    }
                    let window = &window[(t + dt - self.shape.kernel[0] / 2) * plane..][..plane];
                    let tile = &tile[t * tile_plane..][..tile_plane];
                    // SAFETY: the window has TAPS - 1 rows more than the tile.
                    total = unsafe { add_products(total, window.as_ptr(), tile.as_ptr(), self.unit.rows) };
                }
                for (sum, to) in total.into_iter().zip(sums.chunks_exact_mut(V::LANES)) {
                    store_some(sum, to);
                }
            }
        }
    }
}

/// Evaluates the windows of `x` for a unit.
pub(super) struct EvaluateWindows<'a, T> {
    pub(super) place: &'a Place<'a>,
    pub(super) x: &'a [T],
    pub(super) windows: &'a mut Vec<T>,
}

impl<T: Float> Kernel<T> for EvaluateWindows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        self.place.evaluate_windows(&Transform::<V>::new::<T>(), self.x, self.windows);
    }
}

/// The convolution of a unit's evaluated windows with the evaluated weight, written to the unit's part of `y`.
pub(super) struct Convolve<'a, T> {
    pub(super) place: &'a Place<'a>,
    pub(super) windows: &'a [T],
    pub(super) weight: &'a [T],
    pub(super) tiles: &'a mut Vec<T>,
    pub(super) bias: Option<&'a [T]>,
    pub(super) y: &'a Target<'a, T>,
}

impl<T: Float> Kernel<T> for Convolve<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { place, windows, weight, tiles, bias, y } = self;
        let bias: V = match bias {
            Some(bias) => load_some(&bias[place.first_channel..][..place.used]),
            None => V::splat(T::zero()),
        };
        place.convolve::<T, V>(windows, weight, tiles);
        place.write(&Transform::<V>::new::<T>(), tiles, bias, y);
    }
}
