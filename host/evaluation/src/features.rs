//! The hand-made floor: statistics that a physicist would write down before training anything.
//!
//! A clip `(C, T, H, W)` becomes one vector: moments, the decay of the fluctuations, isotropic
//! power spectra, mean-square differences and correlations between channels. As a representation of
//! one token it goes into the ridge probe; a learned representation that does not beat it has
//! learned nothing that these statistics do not say.
//!
//! Fields are non-dimensional and grid cells are taken as square: wave numbers count cycles over
//! the longer side.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use crate::error::{Error, Result};

/// What logarithms never go below: the squared precision of an `f32` field of order one.
const FLOOR: f64 = 1e-14;

/// Computes the features of clips of one shape. Cheap to share between threads; holds the
/// transforms' plans.
pub struct FeatureExtractor {
    shape: [usize; 4],
    names: Vec<String>,
    spectrum: Spectrum,
}

impl FeatureExtractor {
    /// For clips `(C, T, H, W)` with these `channels`; `periodic` says, for the axes of H and W,
    /// whether the field continues on the other side. An axis that does not is tapered before it is
    /// transformed, since its jump at the edge would otherwise cover the small scales.
    ///
    /// # Errors
    /// If there is no channel, fewer than two frames, or fewer than four cells along an axis.
    pub fn new(channels: &[String], frames: usize, size: [usize; 2], periodic: [bool; 2]) -> Result<Self> {
        let [height, width] = size;
        if channels.is_empty() || frames < 2 || height < 4 || width < 4 {
            return Err(Error::Clip {
                what: "shape (C, T, H, W)",
                expected: "at least (1, 2, 4, 4)".into(),
                found: format!("({}, {frames}, {height}, {width})", channels.len()),
            });
        }
        let spectrum = Spectrum::new(size, periodic);
        let names = names(channels, spectrum.shells());
        Ok(Self { shape: [channels.len(), frames, height, width], names, spectrum })
    }

    /// The features' names, such as `velocity_x.log_power_k4`; as many as [`FeatureExtractor::features`]
    /// returns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The features of one clip, `(C, T, H, W)` row-major. All are finite, for constant fields too.
    ///
    /// # Errors
    /// If the clip has another shape than the extractor, or holds a value that is not finite.
    pub fn features(&self, clip: &[f32]) -> Result<Vec<f32>> {
        let [channels, frames, height, width] = self.shape;
        let cells = height * width;
        if clip.len() != channels * frames * cells {
            let expected = format!("C x T x H x W = {channels} x {frames} x {height} x {width}");
            return Err(Error::Clip { what: "number of values", expected, found: clip.len().to_string() });
        }
        if let Some(index) = clip.iter().position(|value| !value.is_finite()) {
            let what = "values";
            let found = format!("{} at channel {}", clip[index], index / (frames * cells));
            return Err(Error::Clip { what, expected: "finite numbers".into(), found });
        }
        let fields: Vec<Field> =
            clip.chunks_exact(frames * cells).map(|values| Field::new(values, [height, width])).collect();
        let mut features = Vec::with_capacity(self.names.len());
        for field in &fields {
            features.extend(field.moments());
            features.extend(field.decay());
            features.extend(field.differences());
            features.extend(self.spectrum.of(field));
        }
        for (index, a) in fields.iter().enumerate() {
            features.extend(fields[index + 1..].iter().map(|b| a.correlation(b)));
        }
        Ok(features.into_iter().map(|feature| feature as f32).collect())
    }
}

fn names(channels: &[String], shells: impl Iterator<Item = f64>) -> Vec<String> {
    let statistics = ["mean", "std", "skewness", "kurtosis", "std_first", "std_last", "log_decay"];
    let differences = ["log_difference_t", "log_difference_y", "log_difference_x"];
    let mut of_channel: Vec<String> = statistics.iter().chain(&differences).map(ToString::to_string).collect();
    of_channel.extend(shells.map(|k| format!("log_power_k{}", (k * 10.0).round() / 10.0)));
    let mut names: Vec<String> =
        channels.iter().flat_map(|channel| of_channel.iter().map(move |name| format!("{channel}.{name}"))).collect();
    for (index, a) in channels.iter().enumerate() {
        names.extend(channels[index + 1..].iter().map(|b| format!("{a}.correlation.{b}")));
    }
    names
}

/// One channel of a clip, `(T, H, W)`, with its mean and variance over space and time.
struct Field {
    values: Vec<f64>,
    cells: usize,
    width: usize,
    mean: f64,
    variance: f64,
}

impl Field {
    fn new(values: &[f32], [height, width]: [usize; 2]) -> Self {
        let values: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
        let (mean, variance) = (mean(&values), variance(&values));
        Self { values, cells: height * width, width, mean, variance }
    }

    /// Whether the field varies by more than the precision of its own values.
    fn varies(&self) -> bool {
        self.variance > FLOOR + (f64::from(f32::EPSILON) * self.mean).powi(2)
    }

    /// Mean, standard deviation, skewness and excess kurtosis over space and time; the last two are
    /// zero where nothing varies.
    fn moments(&self) -> [f64; 4] {
        let deviation = self.variance.sqrt();
        if !self.varies() {
            return [self.mean, deviation, 0.0, 0.0];
        }
        let standardised = self.values.iter().map(|x| (x - self.mean) / deviation);
        let (cubes, fourths) =
            standardised.fold((0.0, 0.0), |(cubes, fourths), z| (cubes + z.powi(3), fourths + z.powi(4)));
        let count = self.values.len() as f64;
        [self.mean, deviation, cubes / count, fourths / count - 3.0]
    }

    /// Spatial deviation of the first and of the last frame, and the logarithm of their ratio, last
    /// to first.
    fn decay(&self) -> [f64; 3] {
        let first = variance(&self.values[..self.cells]);
        let last = variance(&self.values[self.values.len() - self.cells..]);
        [first.sqrt(), last.sqrt(), (log(last) - log(first)) / 2.0]
    }

    /// Logarithms of the mean squared difference between neighbours in time, along H and along W.
    fn differences(&self) -> [f64; 3] {
        let frames = || self.values.chunks_exact(self.cells);
        let rows = self.values.chunks_exact(self.width);
        let in_time = mean_square(self.values.iter().zip(&self.values[self.cells..]));
        let along_h = mean_square(frames().flat_map(|frame| frame.iter().zip(&frame[self.width..])));
        let along_w = mean_square(rows.flat_map(|row| row.iter().zip(&row[1..])));
        [log(in_time), log(along_h), log(along_w)]
    }

    /// Pearson's correlation over space and time; zero where one of the two does not vary.
    fn correlation(&self, other: &Field) -> f64 {
        if !self.varies() || !other.varies() {
            return 0.0;
        }
        let pairs = self.values.iter().zip(&other.values);
        let covariance: f64 = pairs.map(|(a, b)| (a - self.mean) * (b - other.mean)).sum();
        covariance / self.values.len() as f64 / (self.variance * other.variance).sqrt()
    }
}

fn log(power: f64) -> f64 {
    power.max(FLOOR).ln()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64
}

fn mean_square<'a>(pairs: impl Iterator<Item = (&'a f64, &'a f64)>) -> f64 {
    let (sum, count) = pairs.fold((0.0, 0u64), |(sum, count), (a, b)| (sum + (b - a).powi(2), count + 1));
    sum / count as f64
}

/// Power spectra of frames of one size, gathered over shells of the wave number `k` that widen by
/// the square root of two: `2^(i/2) <= k < 2^((i+1)/2)` in cycles over the longer side. Beyond the
/// largest isotropic wave number the corners of the spectrum go into the last shell; shells without
/// a mode are left out.
struct Spectrum {
    size: [usize; 2],
    rows: Arc<dyn RealToComplex<f64>>,
    columns: Arc<dyn Fft<f64>>,
    /// `(H, W)`, with mean square one.
    taper: Vec<f64>,
    /// The shell of each mode of the half plane `(W/2 + 1, H)`; none for the mean.
    shell: Vec<Option<usize>>,
    /// The shells' lower edges, as `i` of `2^(i/2)`.
    edges: Vec<usize>,
}

impl Spectrum {
    fn new(size @ [height, width]: [usize; 2], periodic: [bool; 2]) -> Self {
        let longer = height.max(width) as f64;
        // The shell just below the largest wave number of the longer side, `longer / 2`.
        let last = (longer * longer / 4.0).log2().ceil() as usize - 1;
        let mut octave = Vec::with_capacity((width / 2 + 1) * height);
        for i in 0..=width / 2 {
            for j in 0..height {
                let (kx, ky) = (i as f64 * longer / width as f64, j.min(height - j) as f64 * longer / height as f64);
                let squared = kx * kx + ky * ky;
                octave.push((squared > 0.0).then(|| (squared.log2() as usize).min(last)));
            }
        }
        let mut edges: Vec<usize> = octave.iter().flatten().copied().collect();
        edges.sort_unstable();
        edges.dedup();
        let shell = octave.iter().map(|octave| octave.and_then(|octave| edges.binary_search(&octave).ok())).collect();
        let [down, along] = [taper(height, periodic[0]), taper(width, periodic[1])];
        let taper = down.iter().flat_map(|y| along.iter().map(move |x| x * y)).collect();
        Self {
            size,
            rows: RealFftPlanner::new().plan_fft_forward(width),
            columns: FftPlanner::new().plan_fft_forward(height),
            taper,
            shell,
            edges,
        }
    }

    /// The shells' lower edges, in cycles over the longer side.
    fn shells(&self) -> impl Iterator<Item = f64> {
        self.edges.iter().map(|&octave| 2f64.powf(octave as f64 / 2.0))
    }

    /// Logarithm of the variance that each shell holds, in the mean over frames. Without a taper
    /// the shells add up to the mean spatial variance (Parseval).
    fn of(&self, field: &Field) -> Vec<f64> {
        let mut power = vec![0.0; self.edges.len()];
        let frames = field.values.chunks_exact(field.cells);
        let count = frames.len() as f64;
        for frame in frames {
            self.add(frame, &mut power);
        }
        power.into_iter().map(|power| log(power / count)).collect()
    }

    fn add(&self, frame: &[f64], power: &mut [f64]) {
        let [height, width] = self.size;
        let mean = mean(frame);
        let mut row: Vec<f64> = Vec::with_capacity(width);
        let mut transformed = self.rows.make_output_vec();
        let mut scratch = self.rows.make_scratch_vec();
        let mut modes = vec![Complex::default(); transformed.len() * height];
        for (j, (values, taper)) in frame.chunks_exact(width).zip(self.taper.chunks_exact(width)).enumerate() {
            row.clear();
            row.extend(values.iter().zip(taper).map(|(value, taper)| (value - mean) * taper));
            self.rows
                .process_with_scratch(&mut row, &mut transformed, &mut scratch)
                .expect("buffers made by the plan itself have its lengths");
            for (i, &mode) in transformed.iter().enumerate() {
                modes[i * height + j] = mode;
            }
        }
        self.columns.process(&mut modes);
        let cells = (height * width) as f64;
        for (index, (mode, shell)) in modes.iter().zip(&self.shell).enumerate() {
            let i = index / height;
            // A mode of the half plane stands for its conjugate too, but for the columns that are
            // their own mirror image.
            let weight = if i == 0 || 2 * i == width { 1.0 } else { 2.0 };
            if let Some(shell) = *shell {
                power[shell] += weight * mode.norm_sqr() / (cells * cells);
            }
        }
    }
}

/// Ones along a periodic axis, else Hann's window, scaled to mean square one.
fn taper(length: usize, periodic: bool) -> Vec<f64> {
    if periodic {
        return vec![1.0; length];
    }
    let window: Vec<f64> = (0..length).map(|i| 1.0 - (2.0 * PI * (i as f64 + 0.5) / length as f64).cos()).collect();
    let rms = (window.iter().map(|w| w * w).sum::<f64>() / length as f64).sqrt();
    window.into_iter().map(|w| w / rms).collect()
}
