//! Products of a small matrix with rows of values, the same bytes on every processor.
//!
//! Terms are added one after the other, each a product and a sum that round separately. Wider vectors then change the speed and no bit,
//! which no library of matrix products promises: data generated on different machines must be equal.

/// Rows of values that lie `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub values: &'a [f64],
    pub stride: usize,
}

/// Values of one block of a row, which stay in registers.
const BLOCK: usize = 16;

/// Row `o` of `into`, `stride` apart, becomes (or with `add` grows by) the sum over `i` of `matrix[o][i] from[i]`. `matrix` is row-major,
/// `inner` values in a row; rows have `width` values.
pub(super) fn product(
    matrix: &[f64],
    inner: usize,
    from: Rows<'_>,
    width: usize,
    into: &mut [f64],
    stride: usize,
    add: bool,
) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the instructions.
            return unsafe { with_avx512(matrix, inner, from, width, into, stride, add) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the instructions.
            return unsafe { with_avx2(matrix, inner, from, width, into, stride, add) };
        }
    }
    rows(matrix, inner, from, width, into, stride, add);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn with_avx512(matrix: &[f64], inner: usize, from: Rows<'_>, width: usize, into: &mut [f64], stride: usize, add: bool) {
    rows(matrix, inner, from, width, into, stride, add);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(matrix: &[f64], inner: usize, from: Rows<'_>, width: usize, into: &mut [f64], stride: usize, add: bool) {
    rows(matrix, inner, from, width, into, stride, add);
}

#[inline(always)]
fn rows(matrix: &[f64], inner: usize, from: Rows<'_>, width: usize, into: &mut [f64], stride: usize, add: bool) {
    for (factors, row) in matrix.chunks_exact(inner).zip(into.chunks_mut(stride)) {
        let (blocks, rest) = row[..width].as_chunks_mut::<BLOCK>();
        let done = blocks.len() * BLOCK;
        for (block, place) in blocks.iter_mut().zip((0..).step_by(BLOCK)) {
            let mut sums = if add { *block } else { [0.0; BLOCK] };
            for (i, factor) in factors.iter().enumerate() {
                let values = &from.values[i * from.stride + place..][..BLOCK];
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
            }
            *block = sums;
        }
        for (value, place) in rest.iter_mut().zip(done..) {
            let start = if add { *value } else { 0.0 };
            let terms = factors.iter().enumerate().map(|(i, factor)| factor * from.values[i * from.stride + place]);
            *value = terms.fold(start, |sum, term| sum + term);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values without a pattern that rounding could hide in.
    fn values(count: usize, seed: f64) -> Vec<f64> {
        (0..count).map(|i| ((i as f64 + seed) * 12.9898).sin() * 3.7).collect()
    }

    #[test]
    fn products_are_the_sums_of_their_terms_to_the_last_bit() {
        for (outer, inner, width) in [(1, 1, 1), (3, 5, 7), (4, 3, 16), (6, 17, 37), (2, 9, 70)] {
            let (matrix, source) = (values(outer * inner, 0.5), values(2 * inner * width, 1.5));
            let from = Rows { values: &source, stride: 2 * width };
            for add in [false, true] {
                let before = values(2 * outer * width, 2.5);
                let mut into = before.clone();
                product(&matrix, inner, from, width, &mut into, 2 * width, add);
                for (o, row) in before.chunks_exact(2 * width).enumerate() {
                    for (j, &start) in row.iter().enumerate() {
                        let mut expected = if add || j >= width { start } else { 0.0 };
                        for i in (0..inner).filter(|_| j < width) {
                            expected += matrix[o * inner + i] * source[2 * i * width + j];
                        }
                        assert_eq!(
                            into[2 * o * width + j].to_bits(),
                            expected.to_bits(),
                            "{outer} {inner} {width} {o} {j}"
                        );
                    }
                }
            }
        }
    }
}
