//! Fourier series of real fields on a doubly periodic rectangle.
//!
//! A field lives on a grid `[nx, ny]`, row-major, `x` first and `y` fastest. Its series
//!
//! ```text
//! f(x, y) = sum over |p| <= P, |q| <= Q of  c[p, q] exp(2 pi i (p x / Lx + q y / Ly))
//! ```
//!
//! keeps the modes up to a cutoff `[P, Q]` below the grid's Nyquist mode. Because `f` is real, only `q >= 0` is stored:
//! a *spectrum* is a slice of `(Q + 1) (2 P + 1)` coefficients, `q` first and `p` fastest, `p` in the order
//! `0, 1, ..., P, -P, ..., -1`. Coefficients are amplitudes (the grid's size does not enter them), so the spectrum of a
//! field means the same on every grid that holds its modes.

use std::array;
use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};

/// Columns that are gathered, transformed and scattered together: enough to fill whole cache lines of a row,
/// few enough for a block of columns to stay in the first-level cache.
const BLOCK: usize = 4;

/// Transforms between grid and spectrum, with their plans and work space.
///
/// The first call with a larger number of fields than before allocates work space; later calls allocate nothing.
pub struct Fourier {
    grid: [usize; 2],
    cutoff: [usize; 2],
    x_forward: Arc<dyn Fft<f64>>,
    x_inverse: Arc<dyn Fft<f64>>,
    y_forward: Arc<dyn RealToComplex<f64>>,
    y_inverse: Arc<dyn ComplexToReal<f64>>,
    scratch: Vec<Complex64>,
    /// `BLOCK` columns of `nx`.
    columns: Vec<Complex64>,
    /// One row's half spectrum, all `ny / 2 + 1` modes.
    half_row: Vec<Complex64>,
    /// For each field: `nx` rows of the retained `Q + 1` modes in `y`, in physical space along `x`.
    rows: Vec<Vec<Complex64>>,
    /// For each field: one row of `ny` grid values.
    inputs: Vec<Vec<f64>>,
    outputs: Vec<Vec<f64>>,
}

impl Fourier {
    /// Keeps as many of the modes up to `cutoff` as `grid` holds below its Nyquist mode.
    pub fn truncated(grid: [usize; 2], cutoff: [usize; 2]) -> Self {
        let [nx, ny] = grid;
        let limit = |n: usize, cutoff: usize| cutoff.min(n.saturating_sub(1) / 2);
        let (mut x, mut y) = (FftPlanner::new(), RealFftPlanner::new());
        let (x_forward, x_inverse) = (x.plan_fft_forward(nx), x.plan_fft_inverse(nx));
        let (y_forward, y_inverse) = (y.plan_fft_forward(ny), y.plan_fft_inverse(ny));
        let scratch = [
            x_forward.get_inplace_scratch_len(),
            x_inverse.get_inplace_scratch_len(),
            y_forward.get_scratch_len(),
            y_inverse.get_scratch_len(),
        ];
        let zero = Complex64::ZERO;
        Self {
            grid,
            cutoff: [limit(nx, cutoff[0]), limit(ny, cutoff[1])],
            x_forward,
            x_inverse,
            y_forward,
            y_inverse,
            scratch: vec![zero; scratch.into_iter().max().unwrap_or(0)],
            columns: vec![zero; BLOCK * nx],
            half_row: vec![zero; ny / 2 + 1],
            rows: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Keeps the modes `|p| < nx / 3`, `|q| < ny / 3`: the two-thirds rule, under which products of two fields are free
    /// of aliasing errors (Orszag 1971).
    pub fn dealiased(grid: [usize; 2]) -> Self {
        Self::truncated(grid, grid.map(|n| n.saturating_sub(1) / 3))
    }

    /// Grid points `[nx, ny]`.
    pub fn grid(&self) -> [usize; 2] {
        self.grid
    }

    /// The highest retained modes `[P, Q]`.
    pub fn cutoff(&self) -> [usize; 2] {
        self.cutoff
    }

    /// Coefficients in a spectrum.
    pub fn size(&self) -> usize {
        self.width() * (self.cutoff[1] + 1)
    }

    /// Coefficients that share one `q`: `2 P + 1`.
    pub fn width(&self) -> usize {
        2 * self.cutoff[0] + 1
    }

    /// A spectrum of zeros.
    pub fn zeros(&self) -> Vec<Complex64> {
        vec![Complex64::ZERO; self.size()]
    }

    /// Angular wavenumbers along `x` (in storage order) and `y` on a domain of `lengths` `[Lx, Ly]`.
    pub fn wavenumbers(&self, lengths: [f64; 2]) -> [Vec<f64>; 2] {
        let [p, q] = self.cutoff.map(|k| k as i64);
        let scale = |mode: i64, length: f64| TAU * mode as f64 / length;
        [(0..=p).chain(-p..0).map(|m| scale(m, lengths[0])).collect(), (0..=q).map(|m| scale(m, lengths[1])).collect()]
    }

    /// Sums `weight(p, q) |c[p, q]|^2` over all modes, the negative `q` included. With weight 1 this is the mean square
    /// of the field (Parseval).
    pub fn mean_square(&self, spectrum: &[Complex64], weight: impl Fn(usize, usize) -> f64) -> f64 {
        let [modes_x, _] = self.cutoff;
        let width = self.width();
        let mut sum = 0.0;
        for (q, row) in spectrum.chunks_exact(width).enumerate() {
            let both_signs = if q == 0 { 1.0 } else { 2.0 };
            for (i, c) in row.iter().enumerate() {
                let p = if i <= modes_x { i } else { width - i };
                sum += both_signs * weight(p, q) * c.norm_sqr();
            }
        }
        sum
    }

    /// Copies from `spectrum`, a spectrum of `source`, the modes that `self` retains too; the others become zero.
    pub fn restrict(&self, source: &Fourier, spectrum: &[Complex64], into: &mut [Complex64]) {
        let p = self.cutoff[0].min(source.cutoff[0]);
        into.fill(Complex64::ZERO);
        for (from, to) in spectrum.chunks_exact(source.width()).zip(into.chunks_exact_mut(self.width())) {
            to[..=p].copy_from_slice(&from[..=p]);
            let (tail_from, tail_to) = (from.len() - p, to.len() - p);
            to[tail_to..].copy_from_slice(&from[tail_from..]);
        }
    }

    /// Coefficients of the field whose grid values are `field`, `nx * ny` of them.
    pub fn forward(&mut self, field: &[f64], spectrum: &mut [Complex64]) {
        let ny = self.grid[1];
        self.pointwise([], [spectrum], |x, [], [row]| {
            row.copy_from_slice(&field[x * ny..][..ny]);
        });
    }

    /// Grid values of the field with the coefficients `spectrum`.
    pub fn inverse(&mut self, spectrum: &[Complex64], field: &mut [f64]) {
        let ny = self.grid[1];
        self.pointwise([spectrum], [], |x, [row], []| {
            field[x * ny..][..ny].copy_from_slice(row);
        });
    }

    /// Applies a pointwise map of `I` fields to `O` fields on the grid: `f(x, inputs, outputs)` is called once for each
    /// row of the grid, `x = 0, 1, ..., nx - 1`, with `ny` values per field.
    ///
    /// The grid values are never held as a whole: a row is transformed, mapped and transformed back while it is in
    /// cache.
    pub fn pointwise<const I: usize, const O: usize>(
        &mut self,
        inputs: [&[Complex64]; I],
        outputs: [&mut [Complex64]; O],
        mut f: impl FnMut(usize, [&[f64]; I], [&mut [f64]; O]),
    ) {
        let [nx, ny] = self.grid;
        let stored = self.cutoff[1] + 1;
        let grow = |buffers: &mut Vec<Vec<f64>>, count: usize| {
            buffers.resize_with(count.max(buffers.len()), || vec![0.0; ny]);
        };
        grow(&mut self.inputs, I);
        grow(&mut self.outputs, O);
        self.rows.resize_with(I.max(O).max(self.rows.len()), || vec![Complex64::ZERO; nx * stored]);

        for (field, spectrum) in inputs.into_iter().enumerate() {
            self.columns_to_rows(spectrum, field);
        }
        for x in 0..nx {
            let row = x * stored..(x + 1) * stored;
            for field in 0..I {
                self.half_row[..stored].copy_from_slice(&self.rows[field][row.clone()]);
                self.half_row[stored..].fill(Complex64::ZERO);
                // A real field has a real mean; the imaginary part is round-off.
                self.half_row[0].im = 0.0;
                self.y_inverse
                    .process_with_scratch(&mut self.half_row, &mut self.inputs[field], &mut self.scratch)
                    .expect("the buffers have the lengths of the plan");
            }
            let mut values = self.outputs.iter_mut();
            f(
                x,
                array::from_fn(|field| self.inputs[field].as_slice()),
                array::from_fn(|_| values.next().expect("as many as outputs").as_mut_slice()),
            );
            for field in 0..O {
                self.y_forward
                    .process_with_scratch(&mut self.outputs[field], &mut self.half_row, &mut self.scratch)
                    .expect("the buffers have the lengths of the plan");
                self.rows[field][row.clone()].copy_from_slice(&self.half_row[..stored]);
            }
        }
        for (field, spectrum) in outputs.into_iter().enumerate() {
            self.rows_to_columns(field, spectrum);
        }
    }

    /// From a spectrum to physical space along `x`, into `rows[field]`.
    fn columns_to_rows(&mut self, spectrum: &[Complex64], field: usize) {
        let nx = self.grid[0];
        let (width, stored) = (self.width(), self.cutoff[1] + 1);
        let positive = self.cutoff[0] + 1;
        let rows = &mut self.rows[field];
        for (block, modes) in spectrum.chunks(BLOCK * width).enumerate() {
            let count = modes.len() / width;
            let columns = &mut self.columns[..count * nx];
            for (modes, column) in modes.chunks_exact(width).zip(columns.chunks_exact_mut(nx)) {
                let negative = nx - (width - positive);
                column[..positive].copy_from_slice(&modes[..positive]);
                column[positive..negative].fill(Complex64::ZERO);
                column[negative..].copy_from_slice(&modes[positive..]);
            }
            self.x_inverse.process_with_scratch(columns, &mut self.scratch);
            for (x, row) in rows.chunks_exact_mut(stored).enumerate() {
                for (b, value) in row[block * BLOCK..][..count].iter_mut().enumerate() {
                    *value = columns[b * nx + x];
                }
            }
        }
    }

    /// From physical space along `x` in `rows[field]` to a spectrum.
    fn rows_to_columns(&mut self, field: usize, spectrum: &mut [Complex64]) {
        let [nx, ny] = self.grid;
        let scale = 1.0 / (nx * ny) as f64;
        let (width, stored) = (self.width(), self.cutoff[1] + 1);
        let positive = self.cutoff[0] + 1;
        let rows = &self.rows[field];
        for (block, modes) in spectrum.chunks_mut(BLOCK * width).enumerate() {
            let count = modes.len() / width;
            let columns = &mut self.columns[..count * nx];
            for (x, row) in rows.chunks_exact(stored).enumerate() {
                for (b, value) in row[block * BLOCK..][..count].iter().enumerate() {
                    columns[b * nx + x] = value * scale;
                }
            }
            self.x_forward.process_with_scratch(columns, &mut self.scratch);
            for (modes, column) in modes.chunks_exact_mut(width).zip(columns.chunks_exact(nx)) {
                let negative = nx - (width - positive);
                modes[..positive].copy_from_slice(&column[..positive]);
                modes[positive..].copy_from_slice(&column[negative..]);
            }
        }
    }
}

#[cfg(test)]
mod tests;
