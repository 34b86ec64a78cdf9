//! A linear encoder of patches, trained to forecast the frames to come: a method to begin with.

use physrep_plugin_api::{
    About, Batch, Error, Method, Params, Result, Setup, Step, Tensor, Training, export_method, nn::Linear,
};
use serde::{Deserialize, Serialize};

/// The hyper-parameters; users override a key with `--set my-method.dim=128`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Length of a token.
    pub dim: usize,
    /// Grid points along the side of a patch.
    pub patch: usize,
    /// The optimizer and its schedule.
    pub training: Training,
}

impl Default for Config {
    fn default() -> Self {
        Self { dim: 64, patch: 8, training: Training::default() }
    }
}

/// The method.
pub struct MyMethod {
    context: usize,
    patch: usize,
    /// Patches of the context to tokens. What is below `encoder.` is what probes judge.
    encoder: Linear,
    /// Tokens to patches of the future. It serves the objective alone.
    head: Linear,
}

impl MyMethod {
    /// Clips `(B, C, T, H, W)` to one row per patch, `(B, patches, C * T * patch * patch)`.
    fn patches(&self, clips: &Tensor) -> Result<Tensor> {
        let (b, c, t, h, w) = clips.dims5()?;
        let (p, rows, columns) = (self.patch, h / self.patch, w / self.patch);
        let patches = clips.reshape(&[b, c * t, rows, p, columns, p][..])?.permute([0, 2, 4, 1, 3, 5])?;
        Ok(patches.reshape((b, rows * columns, c * t * p * p))?)
    }
}

impl Method for MyMethod {
    type Config = Config;
    const ABOUT: About = About {
        name: "my-method",
        summary: "Predicts the next frames of each patch linearly from the last ones.",
        reference: "",
    };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let system = setup.single_system()?;
        let (patch, [height, width]) = (config.patch, system.size());
        if patch == 0 || !height.is_multiple_of(patch) || !width.is_multiple_of(patch) {
            return Err(Error::Unsupported(format!("patches of {patch} points do not divide {height}x{width} points")));
        }
        let points = system.channels.len() * patch * patch;
        Ok(Self {
            context: setup.context_frames,
            patch,
            encoder: Linear::new(points * setup.context_frames, config.dim, params.pp("encoder"))?,
            head: Linear::new(config.dim, points * setup.future_frames, params.pp("head"))?,
        })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    fn loss(&self, batch: &Batch, _: &Step) -> Result<Tensor> {
        let future = batch.clips.dim(2)? - self.context;
        let tokens = self.encoder.forward(&self.patches(&batch.clips.narrow(2, 0, self.context)?)?)?;
        let target = self.patches(&batch.clips.narrow(2, self.context, future)?)?;
        Ok((self.head.forward(&tokens)? - target)?.sqr()?.mean_all()?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.encoder.forward(&self.patches(&batch.clips)?)?)
    }
}

export_method!(MyMethod);
