//! Isotropic power spectra of frames.

use std::{f64::consts::PI, sync::Arc};

use realfft::{RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner, num_complex::Complex};

use super::field::{Field, log, mean};

/// Power spectra of frames of one size, summed over shells `2^(i/2) <= k < 2^((i+1)/2)` of the wave number `k`, in cycles over the
/// longer side. The corners of the spectrum, beyond the largest isotropic wave number, count in the last shell; shells without a mode
/// are left out.
pub(super) struct Spectrum {
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
    pub(super) fn new(size @ [height, width]: [usize; 2], periodic: [bool; 2]) -> Self {
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
    pub(super) fn shells(&self) -> impl Iterator<Item = f64> {
        self.edges.iter().map(|&octave| 2f64.powf(octave as f64 / 2.0))
    }

    /// Logarithm of the variance in each shell, averaged over frames. Without a taper the variances of all shells sum to the mean
    /// spatial variance (Parseval).
    pub(super) fn of(&self, field: &Field) -> Vec<f64> {
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
                .expect("the plan allocated buffers of its own lengths");
            for (i, &mode) in transformed.iter().enumerate() {
                modes[i * height + j] = mode;
            }
        }
        self.columns.process(&mut modes);
        let cells = (height * width) as f64;
        for (index, (mode, shell)) in modes.iter().zip(&self.shell).enumerate() {
            let i = index / height;
            // A mode of the half plane also counts for its conjugate, except in the columns that are their own mirror image.
            let weight = if i == 0 || 2 * i == width { 1.0 } else { 2.0 };
            if let Some(shell) = *shell {
                power[shell] += weight * mode.norm_sqr() / (cells * cells);
            }
        }
    }
}

/// Ones along a periodic axis, else a Hann window scaled to mean square one.
fn taper(length: usize, periodic: bool) -> Vec<f64> {
    if periodic {
        return vec![1.0; length];
    }
    let window: Vec<f64> = (0..length).map(|i| 1.0 - (2.0 * PI * (i as f64 + 0.5) / length as f64).cos()).collect();
    let rms = (window.iter().map(|w| w * w).sum::<f64>() / length as f64).sqrt();
    window.into_iter().map(|w| w / rms).collect()
}
