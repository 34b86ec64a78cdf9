//! VICReg's terms on a GPU, of all chunks and both embeddings at once: one by one they would take a thousand launches of next to
//! no work.

use candle_core::{D, DType, Result, Tensor};

use crate::cuda::{Composite, select};

const OP: &str = "vicreg";

/// The terms of each chunk, `(chunks, 5)`, of the rows `x` and `y (N, C)` in the order of `permutation`.
pub(super) fn terms(x: &Tensor, y: &Tensor, permutation: &[u32], chunks: usize) -> Result<Tensor> {
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
        // Behind the last row there is nothing, not even a distance from the mean.
        let inside = (0..size * count).map(|row| if row < rows { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
        let inside = Tensor::from_vec(inside, (1, count, size, 1), x.device())?.to_dtype(x.dtype())?;
        centred = centred.broadcast_mul(&inside)?;
    }
    let squares = centred.sqr()?.sum(2)?;
    let deviation = (squares.broadcast_mul(&of_rows)? + 1e-4)?.sqrt()?;
    let variance = ((1.0 - deviation)?.relu()?.mean(D::Minus1)? * 0.5)?;

    let flat = centred.reshape((2 * count, size, channels))?;
    crate::flops::matmul(&flat.t()?, &flat);
    let unbiased = constants(&|length| 1.0 / (length.max(2.0) - 1.0).powi(2), &[1, count])?;
    let all = flat.t()?.matmul(&flat)?.sqr()?.sum((1, 2))?.reshape((2, count))?;
    let off_diagonal = (all - squares.sqr()?.sum(D::Minus1)?)?;
    let covariance = (off_diagonal.broadcast_mul(&unbiased)? / channels as f64)?;

    let of_numbers = constants(&|length| 1.0 / (length * channels as f64), &[count])?;
    let invariance = ((both.get(0)? - both.get(1)?)?.sqr()?.sum((1, 2))? * of_numbers)?.unsqueeze(0)?;
    Tensor::cat(&[invariance, variance, covariance], 0)?.t()
}

/// Which row of x and then y comes where in chunks that hold `padded` rows in all; -1 where none does.
fn order(permutation: &[u32], padded: usize) -> Vec<f32> {
    let rows = permutation.len();
    let of = |first: usize| {
        let chosen = permutation.iter().map(move |&row| (first + row as usize) as f32);
        chosen.chain(std::iter::repeat_n(-1.0, padded - rows))
    };
    of(0).chain(of(rows)).collect()
}

/// Those rows of `x (N, C)`, each at most once; zeros for a negative number.
fn select_rows(x: &Tensor, order: &[f32]) -> Result<Tensor> {
    let (rows, channels) = x.dims2()?;
    let mut back = vec![-1f32; rows];
    for (to, &from) in order.iter().enumerate().filter(|(_, from)| **from >= 0.0) {
        back[from as usize] = to as f32;
    }
    let numbers = |all: &[f32]| Tensor::from_slice(all, all.len(), x.device())?.to_dtype(DType::F32);
    let (forth, back) = (numbers(order)?, numbers(&back)?);
    let backward = move |gradient: &Tensor| Ok([Some(select::rows(OP, rows, channels)?.on([gradient, &back])?)]);
    x.apply_op1(Composite::new(select::rows(OP, order.len(), channels)?, [x, &forth], backward))
}

#[cfg(test)]
mod tests {
    use super::super::{VicRegConfig, vicreg, weighted};
    use super::*;
    use crate::Rng;
    use crate::cuda::emulation::composite_agrees;

    #[test]
    fn agrees_with_the_terms_chunk_by_chunk_and_so_do_the_gradients() -> Result<()> {
        // Chunks of one size, a shorter last one, fewer than were asked for, and one of a single row.
        for (rows, channels, chunks) in [(12, 5, 3), (13, 4, 5), (3, 6, 5), (5, 3, 2)] {
            let order = Rng::new(1, "order", 0).permutation(rows);
            let config = VicRegConfig { chunks, ..VicRegConfig::default() };
            composite_agrees(
                &format!("{rows} rows of {channels} in {chunks} chunks"),
                [&[rows, channels], &[rows, channels]],
                |[x, y]| vicreg(x, y, &order, &config)?.total.reshape((1, 1)),
                |[x, y]| {
                    let (x, y) = (crate::precise(x)?, crate::precise(y)?);
                    weighted(&terms(&x, &y, &order, chunks)?, &config)?.total.reshape((1, 1))
                },
            )?;
        }
        Ok(())
    }
}
