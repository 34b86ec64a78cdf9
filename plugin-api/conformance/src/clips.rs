//! Synthetic clips: waves that travel over the grid, with noise.

use physrep_random::Stream;

/// Waves in each channel.
const WAVES: usize = 3;

/// The standard deviation of the noise; that of the waves is 1.
const NOISE: f64 = 0.3;

/// Clips of one system.
#[derive(Clone, Debug, PartialEq)]
pub struct Clips {
    /// `(B, C, T, H, W)`, row-major.
    pub values: Vec<f32>,
    /// `[B, C, T, H, W]`.
    pub shape: [usize; 5],
}

impl Clips {
    /// Clips of travelling waves with noise, of mean 0 and standard deviation about 1 in each channel.
    pub fn waves(shape: [usize; 5], seed: u64) -> Self {
        let [clips, channels, frames, height, width] = shape;
        let mut values = vec![0.0; shape.iter().product()];
        let mut noise = Stream::new(seed, "noise of a check", 0);
        for (field, index) in values.chunks_exact_mut(frames * height * width).zip(0..(clips * channels) as u64) {
            let mut random = Stream::new(seed, "waves of a check", index);
            let amplitude = (2.0 / WAVES as f64).sqrt();
            for _ in 0..WAVES {
                let [kx, ky] = [0, 0].map(|_| 0.6 * (random.uniform() - 0.5));
                let (speed, phase) = (0.5 * random.uniform(), std::f64::consts::TAU * random.uniform());
                for (frame, t) in field.chunks_exact_mut(height * width).zip(0u32..) {
                    for (row, i) in frame.chunks_exact_mut(width).zip(0u32..) {
                        for (value, j) in row.iter_mut().zip(0u32..) {
                            let angle = kx * f64::from(i) + ky * f64::from(j) - speed * f64::from(t) + phase;
                            *value += (amplitude * angle.sin()) as f32;
                        }
                    }
                }
            }
            field.iter_mut().for_each(|value| *value += (NOISE * noise.standard_normal()) as f32);
        }
        Self { values, shape }
    }

    /// Clips of unit noise.
    pub(crate) fn noise(shape: [usize; 5], seed: u64) -> Self {
        let mut values = vec![0.0; shape.iter().product()];
        Stream::new(seed, "noise of a check", 0).fill_normal(&mut values);
        Self { values, shape }
    }

    /// These clips with every value multiplied.
    pub(crate) fn scaled(&self, factor: f32) -> Self {
        Self { values: self.values.iter().map(|value| value * factor).collect(), shape: self.shape }
    }

    /// The clips with these indices.
    pub(crate) fn select(&self, indices: &[usize]) -> Self {
        let length: usize = self.shape[1..].iter().product();
        let clip = |&index: &usize| &self.values[index * length..][..length];
        let mut shape = self.shape;
        shape[0] = indices.len();
        Self { values: indices.iter().flat_map(clip).copied().collect(), shape }
    }
}
