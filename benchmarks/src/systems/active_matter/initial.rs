//! The initial condition: disorder, but for a few weak waves.

use rand::RngExt;
use rustfft::num_complex::Complex64;

use crate::systems::fourier::Fourier;
use physrep_random::keyed;

/// Root mean square of the initial order `|q|`.
pub const INITIAL_ORDER: f64 = 0.01;
/// The waves have wavenumbers `2 pi (m, n) / L` with `0 < m^2 + n^2 <= 25`.
const HIGHEST: i64 = 5;

/// Spectra of the real and the imaginary part of `q` at time 0.
///
/// Each part is a sum of waves `cos(k . x + phase)` with phases uniform on the circle and amplitudes uniform in `[0,
/// 1)`, scaled so that the root mean square of `|q|` is [`INITIAL_ORDER`]. The waves do not depend on the grid.
pub(super) fn waves(seed: u64, fourier: &Fourier) -> [Vec<Complex64>; 2] {
    let mut random = keyed("physrep-bench 1 active matter", &[&seed.to_le_bytes()]);
    let width = fourier.width() as i64;
    let mut spectra = [fourier.zeros(), fourier.zeros()];
    let mut mean_square = 0.0;
    for n in 0..=HIGHEST {
        for m in -HIGHEST..=HIGHEST {
            // The other half of the plane holds the conjugates.
            if (n == 0 && m <= 0) || m * m + n * n > HIGHEST * HIGHEST {
                continue;
            }
            for spectrum in &mut spectra {
                let amplitude = random.random_range(0.0..1.0);
                let c = Complex64::from_polar(0.5 * amplitude, random.random_range(0.0..std::f64::consts::TAU));
                mean_square += 0.5 * amplitude * amplitude;
                spectrum[(n * width + m.rem_euclid(width)) as usize] = c;
                if n == 0 {
                    spectrum[(-m).rem_euclid(width) as usize] = c.conj();
                }
            }
        }
    }
    let scale = INITIAL_ORDER / f64::sqrt(mean_square);
    spectra.iter_mut().flatten().for_each(|c| *c *= scale);
    spectra
}
