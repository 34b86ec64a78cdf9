//! The smallest complete method: a linear encoder of space-time patches, trained to forecast the frames to come.

use physrep_plugin_api::{About, Batch, Method, Params, Result, Setup, Step, Tensor, export_method, nn::Linear};
use serde::{Deserialize, Serialize};

/// The hyper-parameters; users override a key with `--set forecast.dim=128`.
#[derive(Serialize, Deserialize)]
struct Config {
    /// Length of a token.
    dim: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { dim: 64 }
    }
}

struct Forecast {
    context: usize,
    encoder: Linear,
    head: Linear,
}

/// Clips `(B, C, T, H, W)` to one row per patch of 8x8 points, `(B, H/8 * W/8, C * T * 64)`.
fn patches(clips: &Tensor) -> Result<Tensor> {
    let (b, c, t, h, w) = clips.dims5()?;
    let patches = clips.reshape(&[b, c * t, h / 8, 8, w / 8, 8][..])?.permute([0, 2, 4, 1, 3, 5])?;
    Ok(patches.reshape((b, (h / 8) * (w / 8), c * t * 64))?)
}

impl Method for Forecast {
    type Config = Config;
    const ABOUT: About = About {
        name: "forecast",
        summary: "Predicts the next frames of each patch linearly from the last ones.",
        reference: "",
    };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let patch = setup.single_system()?.channels.len() * 64;
        let encoder = Linear::new(patch * setup.context_frames, config.dim, params.pp("encoder"))?;
        let head = Linear::new(config.dim, patch * setup.future_frames, params.pp("head"))?;
        Ok(Self { context: setup.context_frames, encoder, head })
    }

    fn loss(&self, batch: &Batch, _: &Step) -> Result<Tensor> {
        let (clips, future) = (&batch.clips, batch.clips.dim(2)? - self.context);
        let tokens = self.encoder.forward(&patches(&clips.narrow(2, 0, self.context)?)?)?;
        let target = patches(&clips.narrow(2, self.context, future)?)?;
        Ok((self.head.forward(&tokens)? - target)?.sqr()?.mean_all()?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.encoder.forward(&patches(&batch.clips)?)?)
    }
}

export_method!(Forecast);
