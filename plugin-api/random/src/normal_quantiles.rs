//! Noise on whole clips: normal values from a table of quantiles.

use std::sync::OnceLock;

use rand::Rng;

use crate::Stream;

/// As many quantiles as 16 bits can choose from.
const LEVELS: usize = 1 << 16;
const HALF: usize = LEVELS / 2;

impl Stream {
    /// Adds `std` times independent normal values to `values`, each of 16 bits: all 65,536 quantiles of the standard
    /// normal distribution at `(k + 1/2) / 65,536` are equally likely, so that none exceeds 4.33 and their variance is
    /// 0.99998. Two values take a word of the stream; the last one of an odd number takes a whole word.
    pub fn add_noise(&mut self, std: f32, values: &mut [f32]) {
        let quantiles = quantiles();
        let mut bytes = [0; 4096];
        for values in values.chunks_mut(bytes.len() / 2) {
            let bytes = &mut bytes[..2 * values.len()];
            self.0.fill_bytes(bytes);
            for (value, bytes) in values.iter_mut().zip(bytes.chunks_exact(2)) {
                let level = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
                // The lower half of the levels has the upper half's quantiles with the other sign, in reverse.
                let quantile = match level.checked_sub(HALF) {
                    Some(above) => quantiles[above],
                    None => -quantiles[HALF - 1 - level],
                };
                *value += std * quantile;
            }
        }
    }
}

/// The quantiles of the upper half of the levels, ascending.
fn quantiles() -> &'static [f32; HALF] {
    static QUANTILES: OnceLock<Box<[f32; HALF]>> = OnceLock::new();
    QUANTILES.get_or_init(|| {
        let mut quantiles = Box::new([0.0; HALF]);
        let mut x = 0.0;
        for (k, quantile) in quantiles.iter_mut().enumerate() {
            let above = (HALF as f64 - k as f64 - 0.5) / LEVELS as f64;
            // Newton's method ascends to the root from the quantile before, because the tail is convex there. The
            // functions are those of `libm`: the same bits on every machine.
            for _ in 0..8 {
                let tail = 0.5 * libm::erfc(x * std::f64::consts::FRAC_1_SQRT_2);
                let density = libm::exp(-0.5 * x * x) / std::f64::consts::TAU.sqrt();
                x += (tail - above) / density;
            }
            *quantile = x as f32;
        }
        quantiles
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        // Python: statistics.NormalDist().inv_cdf((level + 0.5) / 65536)
        let expected =
            [(32768, 1.9124056e-5), (45000, 0.4863857), (65000, 2.401183), (65534, 4.0762065), (65535, 4.324919)];
        for (level, quantile) in expected {
            let found = quantiles()[level - HALF];
            assert!((found - quantile).abs() <= f32::EPSILON * quantile, "{level}: {found}, expected {quantile}");
        }
        assert!(quantiles().is_sorted());
    }
}
