//! How embeddings spread over their dimensions.

use physrep_statistics::Spread;

use crate::{
    error::Result,
    labelled::Embeddings,
    linear_algebra::{GramSpectrum, rows},
};

/// Singular values below this part of the largest are round-off of the embeddings, and count as zero.
const ROUND_OFF: f64 = 1e-6;

/// The spread of embeddings, averaged over tokens.
///
/// # Errors
/// If the eigendecomposition does not converge.
pub fn spread(embeddings: &Embeddings) -> Result<Spread> {
    let (n, dim) = (embeddings.n, embeddings.dim);
    let mut values = embeddings.mean_pooled();
    let mut stds = Vec::with_capacity(dim);
    let mut constant_dimensions = 0;
    for j in 0..dim {
        let column = || values.iter().skip(j).step_by(dim).copied();
        let mean = column().sum::<f64>() / n as f64;
        let std = (column().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
        let largest = column().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        let constant = std <= f64::from(f32::EPSILON) * largest;
        constant_dimensions += usize::from(constant);
        stds.push(std);
        values.iter_mut().skip(j).step_by(dim).for_each(|x| *x = if constant { 0.0 } else { *x - mean });
    }
    stds.sort_unstable_by(f64::total_cmp);
    let squares = GramSpectrum::of(&rows(&values, n))?.values;
    let largest = squares.max().sqrt();
    let mut singular: Vec<f64> =
        squares.iter().map(|square| square.sqrt()).filter(|&value| value > ROUND_OFF * largest).collect();
    singular.sort_unstable_by(f64::total_cmp);
    let sum: f64 = singular.iter().sum();
    let entropy: f64 = singular.iter().map(|value| value / sum).map(|p| -p * p.ln()).sum();
    Ok(Spread {
        effective_rank: if sum > 0.0 { entropy.exp() } else { 0.0 },
        dimensions: dim,
        smallest_std: stds[0],
        median_std: stds[dim / 2],
        largest_std: stds[dim - 1],
        constant_dimensions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embeddings(values: Vec<f32>, dim: usize) -> Embeddings {
        Embeddings { n: values.len() / dim, values, tokens: 1, dim }
    }

    #[test]
    fn the_effective_rank_is_the_number_of_equally_used_dimensions() {
        // Equally far to either side along each of three axes, and constant along the fourth.
        let values =
            (0..6).flat_map(|i| (0..4).map(move |j| if i / 2 == j { 2.0 * (i % 2) as f32 - 1.0 } else { 0.0 }));
        let spread = super::spread(&embeddings(values.collect(), 4)).expect("a spread");
        assert!((spread.effective_rank - 3.0).abs() < 1e-9, "{spread:?}");
        assert_eq!(spread.constant_dimensions, 1);
        assert_eq!(spread.smallest_std, 0.0);
        assert!((spread.largest_std - (1f64 / 3.0).sqrt()).abs() < 1e-9);
        assert!(!spread.collapsed());
    }

    #[test]
    fn embeddings_on_a_line_have_collapsed_and_equal_ones_have_rank_zero() {
        let line = (0..20).flat_map(|i| [i as f32, -2.0 * i as f32, 0.5 * i as f32 + 3.0]);
        let line = spread(&embeddings(line.collect(), 3)).expect("a spread");
        assert!((line.effective_rank - 1.0).abs() < 1e-6, "{line:?}");
        assert!(line.collapsed());
        // A difference of round-off size counts as constant.
        let equal = (0..20).flat_map(|i| [1e3 + 6e-5 * (i % 2) as f32, 7.0]);
        let equal = spread(&embeddings(equal.collect(), 2)).expect("a spread");
        assert_eq!((equal.effective_rank, equal.constant_dimensions), (0.0, 2));
    }
}
