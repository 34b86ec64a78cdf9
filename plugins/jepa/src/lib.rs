//! JEPA of arXiv:2603.13227: learns by predicting the embedding of the frames to come.
//!
//! A pretraining clip is cut in two halves of equal length: context and target. A 3-D ConvNeXt encodes both, a predictor maps
//! the embedding of the context to a guess of the embedding of the target, and the loss is their distance. So that the
//! embeddings do not collapse to a constant, VICReg demands that every dimension varies and that no two are correlated.
//!
//! As in the paper, one encoder embeds both halves, with gradients through both: no moving average, no stop-gradient, no
//! projector. The configuration replaces VICReg by SIGReg, or the target's encoder by a moving average.
//!
//! Read on in this order: `config`, `model` with its `predictor`, `objective`.

mod config;
#[cfg(test)]
mod conformance;
mod model;
mod objective;
mod predictor;
#[cfg(test)]
mod tests;

use physrep_plugin_api::{
    About, Batch, Error, Method, Params, Result, Setup, Step, Tensor, Training, export_method, nn::swap_axes,
};

use config::Config;
use model::Model;
use objective::Objective;

/// The method.
struct Jepa {
    model: Model,
    objective: Objective,
    ema_decay: f64,
    noise: f64,
}

impl Method for Jepa {
    type Config = Config;
    const ABOUT: About = About {
        name: "jepa",
        summary: "Predicts the embedding of the frames to come, kept from collapse by VICReg.",
        reference: "arXiv:2603.13227",
    };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let Setup { context_frames, future_frames, .. } = *setup;
        let channels = setup.single_system()?.channels.len();
        if setup.pretrain_steps > 0 && future_frames != context_frames {
            return Err(Error::Unsupported(format!(
                "jepa encodes the future with the encoder of the context: it needs as many future frames \
                 (={future_frames}) as context frames (={context_frames})"
            )));
        }
        let invalid = Error::Config;
        config.validate().map_err(invalid)?;
        let model = Model::new(config, channels, context_frames, params).map_err(|e| Error::Config(e.to_string()))?;
        Ok(Self { model, objective: Objective::new(config), ema_decay: config.ema_decay, noise: config.noise })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        let mut clips = batch.clips.clone();
        if self.noise > 0.0 {
            let noise = step.rng("noise").normal(clips.shape(), clips.dtype(), clips.device())?;
            clips = (clips + (noise * self.noise)?)?;
        }
        let [prediction, target] = self.model.predict(&contexts_then_targets(&clips)?)?;
        let loss = self.objective.loss(&prediction, &target, &mut step.rng(self.objective.purpose()))?;
        for (name, term) in &loss.terms {
            step.metric(name, term)?;
        }
        Ok(loss.total)
    }

    fn after_update(&self, _: &Step) -> Result<()> {
        Ok(self.model.update_teacher(self.ema_decay)?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        // One token per position of the feature map.
        Ok(self.model.encode(&batch.clips)?.flatten(1, 2)?)
    }
}

/// Clips `(B, C, 2 T, H, W)` to `(2 B, C, T, H, W)`: the first halves of all clips, then the second halves.
fn contexts_then_targets(clips: &Tensor) -> Result<Tensor> {
    let (b, c, frames, h, w) = clips.dims5()?;
    let halves = clips.reshape((1, b * c, 2, frames / 2 * h * w))?;
    Ok(swap_axes(&halves)?.reshape((2 * b, c, frames / 2, h, w))?)
}

export_method!(Jepa);
