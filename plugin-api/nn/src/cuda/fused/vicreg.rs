//! The terms of VICReg, of all chunks and both embeddings at once. One by one they would take a thousand launches of
//! little work.

use candle_core::{D, DType, Result, Tensor};

use crate::cuda::composite::Composite;
use crate::cuda::plans::select_rows;
use crate::flops;

const OP: &str = "vicreg";

/// The terms of each chunk, `(chunks, 5)`, of the rows `x` and `y (N, C)` in the order of `permutation`.
pub(crate) fn terms(x: &Tensor, y: &Tensor, permutation: &[u32], chunks: usize) -> Result<Tensor> {
    let (rows, channels) = x.dims2()?;
    let size = rows.div_ceil(chunks);
    let count = rows.div_ceil(size);
    let lengths: Vec<f64> = (0..count).map(|chunk| size.min(rows - chunk * size) as f64).collect();
    let constants = |of: &dyn Fn(f64) -> f64, shape: &[usize]| {
        let values: Vec<f64> = lengths.iter().map(|&length| of(length)).collect();
        Tensor::from_vec(values, shape, x.device())?.to_dtype(x.dtype())
    };
    let both = select_rows(&Tensor::cat(&[x, y], 0)?, &order(permutation, size * count))?;
    let both = both.reshape((2, count, size, channels))?;

    let of_rows = constants(&|length| 1.0 / length, &[1, count, 1])?;
    let mean = both.sum(2)?.broadcast_mul(&of_rows)?;
    let mut centred = both.broadcast_sub(&mean.unsqueeze(2)?)?;
    if rows < size * count {
        // Rows that pad the last chunk have no distance from the mean.
        let inside = (0..size * count).map(|row| if row < rows { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
        let inside = Tensor::from_vec(inside, (1, count, size, 1), x.device())?.to_dtype(x.dtype())?;
        centred = centred.broadcast_mul(&inside)?;
    }
    let squares = centred.sqr()?.sum(2)?;
    let deviation = (squares.broadcast_mul(&of_rows)? + 1e-4)?.sqrt()?;
    let variance = ((1.0 - deviation)?.relu()?.mean(D::Minus1)? * 0.5)?;

    let flat = centred.reshape((2 * count, size, channels))?;
    flops::matmul(&flat.t()?, &flat);
    let unbiased = constants(&|length| 1.0 / (length.max(2.0) - 1.0).powi(2), &[1, count])?;
    let all = flat.t()?.matmul(&flat)?.sqr()?.sum((1, 2))?.reshape((2, count))?;
    let off_diagonal = (all - squares.sqr()?.sum(D::Minus1)?)?;
    let covariance = (off_diagonal.broadcast_mul(&unbiased)? / channels as f64)?;

    let of_elements = constants(&|length| 1.0 / (length * channels as f64), &[count])?;
    let invariance = ((both.get(0)? - both.get(1)?)?.sqr()?.sum((1, 2))? * of_elements)?.unsqueeze(0)?;
    Tensor::cat(&[invariance, variance, covariance], 0)?.t()
}

/// The index of each row of the chunks of x, then y, in their concatenation; -1 for the padding up to `padded` rows.
fn order(permutation: &[u32], padded: usize) -> Vec<f32> {
    let rows = permutation.len();
    let of = |first: usize| {
        let chosen = permutation.iter().map(move |&row| (first + row as usize) as f32);
        chosen.chain(std::iter::repeat_n(-1.0, padded - rows))
    };
    of(0).chain(of(rows)).collect()
}

/// The rows of `x (N, C)` with these indices, each at most once; zeros for a negative index.
fn select_rows(x: &Tensor, order: &[f32]) -> Result<Tensor> {
    let (rows, channels) = x.dims2()?;
    let mut back = vec![-1f32; rows];
    for (to, &from) in order.iter().enumerate().filter(|(_, from)| **from >= 0.0) {
        back[from as usize] = to as f32;
    }
    let indices = |all: &[f32]| Tensor::from_slice(all, all.len(), x.device())?.to_dtype(DType::F32);
    let (forth, back) = (indices(order)?, indices(&back)?);
    let backward =
        move |gradient: &Tensor| Ok([Some(select_rows::select_rows(OP, rows, channels)?.on([gradient, &back])?)]);
    x.apply_op1(Composite::new(select_rows::select_rows(OP, order.len(), channels)?, [x, &forth], backward))
}
