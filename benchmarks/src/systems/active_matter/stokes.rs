//! The Stokes equation, whose stress depends on the strain that it causes.
//!
//! The curl of `-lap u + grad P = div Sigma` gives the vorticity. With `n = (sin 2 phi, -cos 2 phi)` for a wave in the
//! direction `phi`, and complex fields read as pairs of real ones,
//!
//! ```text
//! w = n . s / 2,    e = -n w / 2
//! ```
//!
//! The stress `s = s_0 + (beta / 2) (e + g)`, `g = h q^2 e*`, makes this an equation for `w`. As `n . e = -w / 2`, its
//! part with constant coefficients is solved at once, and the rest by iteration:
//!
//! ```text
//! w = (n . s_0 / 2 + (beta / 4) n . g[w]) / (1 + beta / 8)
//! ```
//!
//! Because `|g| <= |e|`, an iteration reduces the error at least by a factor `8 / beta + 1`, which is 11 for The Well's
//! `beta`.

use std::array;

use rustfft::num_complex::Complex64;

use crate::systems::fourier::Fourier;

/// The iteration ends when it changes the vorticity by less than this, relative to its root mean square. The error that
/// is left is ten times smaller still.
pub const TOLERANCE: f64 = 1e-6;
/// Far more iterations than convergence takes.
const MOST_ITERATIONS: usize = 100;

/// What a wave's direction does to vorticity, strain and velocity.
pub(super) struct Wave {
    pub kx: f64,
    pub ky: f64,
    /// `kx^2 + ky^2`.
    pub square: f64,
    sine: f64,
    cosine: f64,
}

/// All retained waves of a square domain of that length, in the order of a spectrum.
pub(super) fn waves(length: f64, fourier: &Fourier) -> Vec<Wave> {
    let [kx, ky] = fourier.wavenumbers([length; 2]);
    let pairs = ky.iter().flat_map(|&ky| kx.iter().map(move |&kx| (kx, ky)));
    let wave = |(kx, ky): (f64, f64)| {
        let square = kx * kx + ky * ky;
        // The mean has no direction, no vorticity and no strain.
        let scale = if square > 0.0 { 1.0 / square } else { 0.0 };
        Wave { kx, ky, square, sine: 2.0 * kx * ky * scale, cosine: (kx * kx - ky * ky) * scale }
    };
    pairs.map(wave).collect()
}

impl Wave {
    /// `n . f`.
    fn project(&self, [re, im]: [Complex64; 2]) -> Complex64 {
        re * self.sine - im * self.cosine
    }

    /// The strain of a vorticity.
    pub fn strain(&self, vorticity: Complex64) -> [Complex64; 2] {
        [vorticity * (-0.5 * self.sine), vorticity * (0.5 * self.cosine)]
    }

    /// The velocity of a vorticity.
    pub fn velocity(&self, vorticity: Complex64) -> [Complex64; 2] {
        let stream = if self.square > 0.0 { vorticity / self.square } else { Complex64::ZERO };
        let turned = Complex64::new(-stream.im, stream.re);
        [turned * self.ky, turned * -self.kx]
    }
}

/// A Stokes flow, its past, from which the next is guessed, and work space.
pub(super) struct Stokes {
    beta: f64,
    /// Spectrum of the vorticity, the solution.
    pub vorticity: Vec<Complex64>,
    /// Spectra of the real and the imaginary part of `g = h q^2 e*`.
    pub coupling: [Vec<Complex64>; 2],
    /// The largest `|e|` on the grid.
    pub peak_strain: f64,
    /// Iterations so far, over all solutions.
    pub iterations: usize,
    strain: [Vec<Complex64>; 2],
    /// `n . s_0 / 2`.
    source: Vec<Complex64>,
    past: Past,
}

impl Stokes {
    pub fn new(beta: f64, fourier: &Fourier) -> Self {
        Self {
            beta,
            vorticity: fourier.zeros(),
            coupling: array::from_fn(|_| fourier.zeros()),
            peak_strain: 0.0,
            iterations: 0,
            strain: array::from_fn(|_| fourier.zeros()),
            source: fourier.zeros(),
            past: Past::new(fourier),
        }
    }

    /// Solves for the flow at `time`, given `h q^2` on the grid and the spectrum of the stress `s_0` without the
    /// strain's part. False if the iteration does not converge, which only values that are not finite can cause.
    pub fn solve(
        &mut self,
        time: f64,
        fourier: &mut Fourier,
        waves: &[Wave],
        square: &[Vec<f64>; 2],
        stress: impl Fn(usize) -> [Complex64; 2],
    ) -> bool {
        for (i, (wave, source)) in waves.iter().zip(&mut self.source).enumerate() {
            *source = wave.project(stress(i)) * 0.5;
        }
        self.past.extrapolate(time, &mut self.vorticity);
        let converged = (0..MOST_ITERATIONS).any(|_| self.iterate(fourier, waves, square));
        self.past.keep(time, &self.vorticity);
        converged
    }

    /// One iteration; true if it changed little.
    fn iterate(&mut self, fourier: &mut Fourier, waves: &[Wave], square: &[Vec<f64>; 2]) -> bool {
        let Self { vorticity, coupling, strain: [xx, xy], source, beta, .. } = self;
        for (i, (wave, w)) in waves.iter().zip(&*vorticity).enumerate() {
            [xx[i], xy[i]] = wave.strain(*w);
        }
        let ny = fourier.grid()[1];
        let mut peak = 0.0;
        fourier.pointwise([&*xx, &*xy], coupling.each_mut().map(Vec::as_mut_slice), |x, [xx, xy], [re, im]| {
            let [a, b] = square.each_ref().map(|field| &field[x * ny..][..ny]);
            for j in 0..ny {
                re[j] = a[j] * xx[j] + b[j] * xy[j];
                im[j] = b[j] * xx[j] - a[j] * xy[j];
            }
            peak = xx.iter().zip(xy).map(|(xx, xy)| xx * xx + xy * xy).fold(peak, f64::max);
        });
        let (mut change, mut size) = (0.0, 0.0);
        let scale = 1.0 / (1.0 + *beta / 8.0);
        for (i, wave) in waves.iter().enumerate() {
            let new = (source[i] + wave.project([coupling[0][i], coupling[1][i]]) * (0.25 * *beta)) * scale;
            change += (new - vorticity[i]).norm_sqr();
            size += new.norm_sqr();
            vorticity[i] = new;
        }
        self.peak_strain = f64::sqrt(peak);
        self.iterations += 1;
        change <= TOLERANCE * TOLERANCE * size
    }
}

/// Vorticities at up to three different times, and the parabola through them.
struct Past {
    /// The latest first.
    times: [f64; 3],
    fields: [Vec<Complex64>; 3],
    known: usize,
}

impl Past {
    fn new(fourier: &Fourier) -> Self {
        Self { times: [0.0; 3], fields: array::from_fn(|_| fourier.zeros()), known: 0 }
    }

    fn extrapolate(&self, time: f64, into: &mut [Complex64]) {
        // Lagrange's polynomials of the known times.
        let times = &self.times[..self.known];
        let mut weights = [0.0; 3];
        for (i, (t, weight)) in times.iter().zip(&mut weights).enumerate() {
            let factor = |(j, other): (usize, &f64)| if i == j { 1.0 } else { (time - other) / (t - other) };
            *weight = times.iter().enumerate().map(factor).product();
        }
        let [a, b, c] = &self.fields;
        for (i, value) in into.iter_mut().enumerate() {
            *value = a[i] * weights[0] + b[i] * weights[1] + c[i] * weights[2];
        }
    }

    /// A second solution at the latest time, which is a better one, takes the place of the first.
    fn keep(&mut self, time: f64, vorticity: &[Complex64]) {
        if self.known == 0 || self.times[0] != time {
            self.times.rotate_right(1);
            self.fields.rotate_right(1);
            self.known = 3.min(self.known + 1);
        }
        self.times[0] = time;
        self.fields[0].copy_from_slice(vorticity);
    }
}
