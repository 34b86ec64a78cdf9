//! A method that misbehaves on demand: the end-to-end tests show with it that a bad plugin costs its cell and nothing else.

mod faults;

use std::{thread, time::Duration};

use physrep_plugin_api::{
    About, Batch, DType, Method, Params, Result, Setup, Step, Tensor, export_method,
    nn::{Init, Linear},
};
use serde::{Deserialize, Serialize};

/// How it misbehaves, and when.
#[derive(Clone, Serialize, Deserialize)]
struct Config {
    /// One of the faults in `faults`, or `none`.
    fault: String,
    /// `new`, `loss`, `encode`, or `finetune` (encoding with a gradient).
    place: String,
    /// Milliseconds that each step sleeps.
    slow: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { fault: "none".into(), place: "loss".into(), slow: 0 }
    }
}

impl Config {
    /// Misbehaves if `place` is the configured one; otherwise returns `tensor`.
    fn at(&self, place: &str, tensor: Tensor) -> Result<Tensor> {
        if self.place == place { faults::misbehave(&self.fault, tensor) } else { Ok(tensor) }
    }
}

struct Hostile {
    encoder: Linear,
    _unused: Option<Tensor>,
    config: Config,
}

/// Spatial means of each channel of the first `frames` frames, `(B, 1, C * T)`.
fn means(clips: &Tensor, frames: usize) -> Result<Tensor> {
    Ok(clips.narrow(2, 0, frames)?.mean((3, 4))?.flatten_from(1)?.unsqueeze(1)?)
}

impl Method for Hostile {
    type Config = Config;
    const ABOUT: About = About { name: "hostile", summary: "Misbehaves on demand.", reference: "" };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let size = setup.single_system()?.channels.len() * setup.context_frames;
        let config = config.clone();
        let encoder = Linear::new(size, 8, params.pp("encoder"))?;
        let unused = (config.fault == "unused")
            .then(|| params.pp("forgotten").get(3, "weight", Init::Const(1.0)))
            .transpose()?;
        config.at("new", Tensor::zeros(1, DType::F32, &setup.device)?)?;
        Ok(Self { encoder, _unused: unused, config })
    }

    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        thread::sleep(Duration::from_millis(self.config.slow));
        faults::metrics(&self.config.fault, step)?;
        let frames = batch.clips.dim(2)? / 2;
        let tokens = self.encoder.forward(&means(&batch.clips, frames)?)?;
        self.config.at("loss", (tokens - 1.0)?.sqr()?.mean_all()?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        let tokens = self.encoder.forward(&means(&batch.clips, batch.clips.dim(2)?)?)?;
        self.config.at(if tokens.track_op() { "finetune" } else { "encode" }, tokens)
    }
}

export_method!(Hostile);
