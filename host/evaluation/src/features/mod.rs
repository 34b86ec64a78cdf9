//! The hand-made floor: statistics that a physicist would compute before training anything.
//!
//! A clip `(C, T, H, W)` becomes one vector: moments, the decay of the fluctuations, isotropic power spectra, mean-square
//! differences and correlations between channels. The ridge probe is fitted on it as on an embedding of one token; a learned
//! representation that does not beat it adds nothing to these statistics.
//!
//! Fields are non-dimensional and grid cells are assumed square: wave numbers count cycles over the longer side.

mod field;
mod spectrum;

use crate::error::{Error, Result};
use field::Field;
use spectrum::Spectrum;

/// Computes the features of clips of one shape. It holds the plans of the Fourier transforms, and threads can share it.
pub struct FeatureExtractor {
    shape: [usize; 4],
    names: Vec<String>,
    spectrum: Spectrum,
}

impl FeatureExtractor {
    /// For clips `(C, T, H, W)` with these `channels`; `periodic` says whether the axes H and W are periodic. An axis that is not is
    /// tapered before the transform, since the jump at its ends would otherwise dominate the small scales.
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

    /// The names of the features, such as `velocity_x.log_power_k4`, in the order of [`FeatureExtractor::features`].
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The features of one clip, `(C, T, H, W)` row-major. All are finite, even for constant fields.
    ///
    /// # Errors
    /// If the clip does not have the shape of the extractor, or a value is not finite.
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
            return Err(Error::Clip { what, expected: "finite values".into(), found });
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
    let mut per_channel: Vec<String> = statistics.iter().chain(&differences).map(ToString::to_string).collect();
    per_channel.extend(shells.map(|k| format!("log_power_k{}", (k * 10.0).round() / 10.0)));
    let mut names: Vec<String> =
        channels.iter().flat_map(|channel| per_channel.iter().map(move |name| format!("{channel}.{name}"))).collect();
    for (index, a) in channels.iter().enumerate() {
        names.extend(channels[index + 1..].iter().map(|b| format!("{a}.correlation.{b}")));
    }
    names
}
