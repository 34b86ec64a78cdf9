//! What methods get to see: clips of the packed data under the suite's observation noise.

use physrep_benchmarks::{
    packed::{Packed, Window},
    suite::Suite,
};
use physrep_nn::Rng;

use crate::Result;

/// One look at a window. Looks differ in their noise, and each is the same for every method and every run.
#[derive(Clone, Copy, Debug)]
pub enum Look {
    /// As this sample of pretraining, counted from its start.
    Pretraining(u64),
    /// As this sample of end-to-end training, counted from its start.
    FineTuning(u64),
    /// As the probes' input; always the same for one window.
    Probing,
}

/// Copies `frames` frames of `window` into `clip`, `(C, T, H, W)`, and adds the suite's noise.
pub fn observe(
    data: &Packed,
    suite: &Suite,
    window: Window,
    frames: usize,
    look: Look,
    clip: &mut [f32],
) -> Result<()> {
    data.clip(window, frames, clip)?;
    let noise = suite.noise_on(&data.header().system);
    if noise == 0.0 {
        return Ok(());
    }
    let mut rng = match look {
        Look::Pretraining(sample) => Rng::new(suite.seed, "noise of pretraining", sample),
        Look::FineTuning(sample) => Rng::new(suite.seed, "noise of end-to-end training", sample),
        Look::Probing => {
            Rng::new(suite.seed, "noise of probing", (window.trajectory as u64) << 32 | window.start as u64)
        }
    };
    for value in clip {
        *value += (noise * rng.standard_normal()) as f32;
    }
    Ok(())
}
