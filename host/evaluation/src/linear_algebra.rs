//! What probes need of linear algebra, on one thread: the order of summation must not depend on the machine's load.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::error::{Error, Result};

/// Row-major `values` as a matrix of `n` rows.
pub(crate) fn rows(values: &[f64], n: usize) -> DMatrix<f64> {
    DMatrix::from_row_slice(n, values.len() / n, values)
}

/// The smaller of the two Gram matrices of `z (n, dim)`, in its own eigenvectors.
pub(crate) struct GramSpectrum {
    /// Eigenvalues, the squares of the singular values of `z`.
    pub(crate) values: DVector<f64>,
    /// The eigenvectors as columns.
    pub(crate) vectors: DMatrix<f64>,
    /// Whether the matrix is `Z Z' (n, n)` rather than `Z' Z (dim, dim)`.
    pub(crate) of_rows: bool,
}

impl GramSpectrum {
    /// Diagonalises the smaller Gram matrix.
    ///
    /// # Errors
    /// If the iteration does not converge, as with values that are not finite.
    pub(crate) fn of(z: &DMatrix<f64>) -> Result<Self> {
        let of_rows = z.nrows() < z.ncols();
        let transposed = z.transpose();
        let gram = if of_rows { z * transposed } else { transposed * z };
        let sweeps = 100 * gram.nrows();
        let failed = Error::Decomposition { rows: z.nrows(), columns: z.ncols() };
        let spectrum = SymmetricEigen::try_new(gram, f64::EPSILON, sweeps).ok_or(failed)?;
        // Round-off may leave what is zero slightly negative.
        let values = spectrum.eigenvalues.map(|value| value.max(0.0));
        Ok(Self { values, vectors: spectrum.eigenvectors, of_rows })
    }
}
