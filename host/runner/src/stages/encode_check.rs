//! Whether the embedding of a window depends on that window alone.
//!
//! Some windows are embedded again: each alone, together in other company than before, and in that company once more. A method whose
//! encoder reads statistics of the batch, such as batch normalisation in training mode, sees windows that it is not asked about.

use physrep_benchmarks::{
    Split,
    packed::{Packed, Window},
};
use physrep_evaluation::Embeddings;
use physrep_random::Stream;
use physrep_records::{Cell, Device, EncodingCheck};

use super::{embedded_splits::EmbeddedSplits, encode::windows_with_method};
use crate::{
    error::{Error, Result},
    method_process::MethodProcess,
};

/// Windows that are embedded again.
const WINDOWS: usize = 16;

/// The largest difference between embeddings of one window, as a fraction of how much embeddings vary over windows.
const TOLERANCE: f64 = 0.02;

/// Embeds a sample of the windows of valid again and compares.
///
/// # Errors
///
/// If an embedding changes by more than the tolerance.
pub(crate) fn check(
    cell: &Cell,
    data: &Packed,
    method: &mut MethodProcess,
    embedded: &EmbeddedSplits,
) -> Result<EncodingCheck> {
    let before = embedded[&Split::Valid].embeddings();
    let windows = data.windows(Split::Valid, &cell.suite.window_on(cell.system()));
    let mut sample = Stream::new(cell.suite.seed, "encoding check", 0).permutation(windows.len());
    sample.truncate(WINDOWS);
    let sampled: Vec<Window> = sample.iter().map(|&index| windows[index as usize]).collect();
    let mut again = |batch| windows_with_method(cell, data, method, &sampled, batch);
    let (alone, company) = (again(1)?, again(WINDOWS)?);
    let check = EncodingCheck {
        alone: difference(before, &sample, &alone, round_off(cell)),
        in_other_company: difference(before, &sample, &company, round_off(cell)),
        repeatable: same_bits(&company, &again(WINDOWS)?),
    };
    for (difference, how) in [(check.alone, "alone"), (check.in_other_company, "together with other clips")] {
        if difference.is_nan() || difference > TOLERANCE {
            return Err(Error::Method {
                method: cell.method().to_owned(),
                message: format!(
                    "the embedding of a clip depends on the rest of its batch: encoded {how}, it differs by {:.3} of how much \
                     embeddings vary, expected at most {TOLERANCE}; encode every clip for itself, without statistics of the batch",
                    difference
                ),
            });
        }
    }
    Ok(check)
}

/// The round-off of an embedding relative to its size: GPUs may compute in bf16 or tf32.
fn round_off(cell: &Cell) -> f64 {
    if cell.device == Device::Cpu { 1e-5 } else { 1e-2 }
}

/// The largest difference, over the places of an embedding, between rows `sample` of `before` and the rows of `again`: the root mean
/// square over windows, as a fraction of the standard deviation over all windows of `before`. Differences of round-off count as none.
fn difference(before: &Embeddings, sample: &[u32], again: &Embeddings, round_off: f64) -> f64 {
    let width = before.tokens * before.dim;
    if again.tokens * again.dim != width {
        return f64::INFINITY;
    }
    let row = |index: u32| &before.values[index as usize * width..][..width];
    let mut squared = vec![0.0; width];
    for (&index, values) in sample.iter().zip(again.values.chunks_exact(width)) {
        for (sum, (a, b)) in squared.iter_mut().zip(row(index).iter().zip(values)) {
            *sum += f64::from(a - b).powi(2);
        }
    }
    let size =
        (before.values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / before.values.len() as f64).sqrt();
    let deviations = standard_deviations(before, width);
    let fraction = |(sum, deviation): (f64, f64)| {
        let difference = (sum / sample.len() as f64).sqrt();
        if difference <= round_off * size { 0.0 } else { difference / deviation }
    };
    // `f64::max` would lose what is not a number.
    squared
        .into_iter()
        .zip(deviations)
        .map(fraction)
        .fold(0.0, |largest, f| if f <= largest || largest.is_nan() { largest } else { f })
}

/// The standard deviation of each place of an embedding over windows.
fn standard_deviations(embeddings: &Embeddings, width: usize) -> Vec<f64> {
    let n = embeddings.n as f64;
    let (mut sums, mut squares) = (vec![0.0; width], vec![0.0; width]);
    for row in embeddings.values.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    for row in embeddings.values.chunks_exact(width) {
        for ((square, sum), &value) in squares.iter_mut().zip(&sums).zip(row) {
            *square += (f64::from(value) - sum / n).powi(2);
        }
    }
    squares.into_iter().map(|square: f64| (square / n).sqrt()).collect()
}

fn same_bits(a: &Embeddings, b: &Embeddings) -> bool {
    a.values.iter().map(|value| value.to_bits()).eq(b.values.iter().map(|value| value.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embeddings(values: &[f32]) -> Embeddings {
        Embeddings { values: values.to_vec(), n: values.len() / 2, tokens: 1, dim: 2 }
    }

    #[test]
    fn differences_are_fractions_of_the_deviation_over_windows() {
        // The first place varies by 2 over windows, the second by 1.
        let before = embeddings(&[10.0, 0.0, 14.0, 2.0]);
        assert_eq!(difference(&before, &[1, 0], &embeddings(&[14.0, 2.0, 10.0, 0.0]), 1e-5), 0.0);
        let again = embeddings(&[14.5, 2.0, 9.5, 0.0]);
        assert!((difference(&before, &[1, 0], &again, 1e-5) - 0.25).abs() < 1e-6);
        let round_off = embeddings(&[14.000_01, 2.0, 10.0, 0.000_01]);
        assert_eq!(difference(&before, &[1, 0], &round_off, 1e-5), 0.0);
    }

    #[test]
    fn what_is_not_a_number_and_other_shapes_are_no_agreement() {
        let before = embeddings(&[10.0, 0.0, 14.0, 2.0]);
        assert!(difference(&before, &[0], &embeddings(&[f32::NAN, 0.0]), 1e-5).is_nan());
        let longer = Embeddings { values: vec![0.0; 3], n: 1, tokens: 1, dim: 3 };
        assert_eq!(difference(&before, &[0], &longer, 1e-5), f64::INFINITY);
    }
}
