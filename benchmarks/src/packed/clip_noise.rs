//! What encoders see: clips of the packed data under the suite's observation noise.

use physrep_random::Stream;

use super::{reader::Packed, window::Window};
use crate::{error::Result, suite::Suite};

/// The version of the noise: raised by every change that gives encoders other clips. It is part of the address of a cell.
pub const VERSION: u32 = 3;

/// What is added to clips, as the beginning of a sentence; `std` is its standard deviation as text.
pub fn describe(std: &str) -> String {
    format!("Gaussian noise of standard deviation {std}")
}

/// The stream that the noise of a clip is drawn from. Streams differ from each other, and each is the same for every
/// method and every run.
#[derive(Clone, Copy, Debug)]
pub enum NoiseStream {
    /// For this sample of pretraining, counted from its start.
    Pretraining(u64),
    /// For this sample of end-to-end training, counted from its start.
    EndToEnd(u64),
    /// For encoding: always the same for one window.
    Encoding,
}

impl NoiseStream {
    fn of(self, suite: &Suite, window: Window) -> Stream {
        match self {
            Self::Pretraining(sample) => Stream::new(suite.seed, "noise of pretraining", sample),
            Self::EndToEnd(sample) => Stream::new(suite.seed, "noise of end-to-end training", sample),
            Self::Encoding => {
                let index = (window.trajectory as u64) << 32 | window.start as u64;
                Stream::new(suite.seed, "noise of probing", index)
            }
        }
    }
}

/// Copies `frames` frames of `window` into `clip`, `(C, T, H, W)`, and adds the suite's Gaussian noise.
///
/// # Errors
///
/// Those of [`Packed::clip`].
pub fn load_clip(
    data: &Packed,
    suite: &Suite,
    window: Window,
    frames: usize,
    noise: NoiseStream,
    clip: &mut [f32],
) -> Result<()> {
    data.clip(window, frames, clip)?;
    let std = suite.noise_on(&data.header().system);
    if std == 0.0 {
        return Ok(());
    }
    let mut stream = noise.of(suite, window);
    let channels = &data.header().channels;
    let length = (clip.len() / channels.len().max(1)).max(1);
    // On a channel that is constant, nothing but the noise would be seen, and that is a function of the window.
    for (_, values) in channels.iter().zip(clip.chunks_exact_mut(length)).filter(|(channel, _)| !channel.constant) {
        stream.add_noise(std as f32, values);
    }
    Ok(())
}
