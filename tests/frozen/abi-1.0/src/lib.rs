//! A method as it was written when the ABI was 1.0: a linear encoder of patches that forecasts the frames to come from blurred ones. It
//! uses what crosses the boundary: the geometry, the configuration, random streams, curves, the log, and a teacher in its state.

use physrep_plugin_api::{
    About, Batch, Error, Method, Params, Result, Setup, Step, Tensor, Training, export_method,
    nn::{Linear, MovingAverage},
};
use serde::{Deserialize, Serialize};

/// The hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Length of a token.
    dim: usize,
    /// Grid points along the side of a patch.
    patch: usize,
    /// Standard deviation of the noise on what it learns from.
    noise: f64,
    /// The optimizer and its schedule.
    training: Training,
}

impl Default for Config {
    fn default() -> Self {
        Self { dim: 16, patch: 8, noise: 0.1, training: Training::default() }
    }
}

struct Frozen {
    config: Config,
    context: usize,
    encoder: Linear,
    head: Linear,
    teacher: MovingAverage,
}

impl Frozen {
    /// Clips `(B, C, T, H, W)` to one row per patch, `(B, patches, C * T * patch * patch)`.
    fn patches(&self, clips: &Tensor) -> Result<Tensor> {
        let (b, c, t, h, w) = clips.dims5()?;
        let (p, rows, columns) = (self.config.patch, h / self.config.patch, w / self.config.patch);
        let patches = clips.reshape(&[b, c * t, rows, p, columns, p][..])?.permute([0, 2, 4, 1, 3, 5])?;
        Ok(patches.reshape((b, rows * columns, c * t * p * p))?)
    }
}

impl Method for Frozen {
    type Config = Config;
    const ABOUT: About =
        About { name: "frozen", summary: "Forecasts frames linearly; written against ABI 1.0.", reference: "" };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let system = setup.single_system()?;
        let (patch, [height, width]) = (config.patch, system.size());
        if patch == 0 || !height.is_multiple_of(patch) || !width.is_multiple_of(patch) {
            return Err(Error::Unsupported(format!("patches of {patch} points do not divide {height}x{width} points")));
        }
        let points = system.channels.len() * patch * patch;
        let build = |params: Params| Linear::new(points * setup.context_frames, config.dim, params);
        let (encoder, teacher) = (params.pp("encoder"), params.pp("teacher").untrained());
        let built = build(encoder.clone())?;
        build(teacher.clone())?;
        Ok(Self {
            config: config.clone(),
            context: setup.context_frames,
            encoder: built,
            head: Linear::new(config.dim, points * setup.future_frames, params.pp("head"))?,
            teacher: MovingAverage::new(&encoder, &teacher)?,
        })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        let (clips, future) = (&batch.clips, batch.clips.dim(2)? - self.context);
        let seen = clips.narrow(2, 0, self.context)?;
        let noise = step.rng("noise").normal(seen.shape(), seen.dtype(), seen.device())?;
        let tokens = self.encoder.forward(&self.patches(&(seen + (noise * self.config.noise)?)?)?)?;
        let target = self.patches(&clips.narrow(2, self.context, future)?)?;
        let loss = (self.head.forward(&tokens)? - target)?.sqr()?.mean_all()?;
        step.metric("size_of_tokens", &tokens.sqr()?.mean_all()?)?;
        if step.index() == 0 {
            step.log(&format!("a library of ABI 1.0 takes {} steps", step.total()));
        }
        Ok(loss)
    }

    fn after_update(&self, _: &Step) -> Result<()> {
        Ok(self.teacher.update(0.9)?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.encoder.forward(&self.patches(&batch.clips)?)?)
    }
}

export_method!(Frozen);
