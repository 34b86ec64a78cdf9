//! Tests of a session; the method that they train.

mod errors;
mod finetuning;
mod pretraining;
mod state;

use abi_stable::std_types::RStr;
use candle_core::{D, Shape, Var};
use physrep_abi::LogLevel;
use physrep_nn::{Linear, MovingAverage, Rng};
use serde::{Deserialize, Serialize};

use super::*;
use crate::{About, BoundaryCondition, Channel, Geometry, Training};

#[derive(Default, Serialize, Deserialize)]
struct Config {
    training: Training,
    fault: String,
}

/// Learns to scale the mean of each channel, with noise in its objective.
struct Scale {
    encoder: Linear,
    head: Linear,
    /// Of the encoder, if the fault is `followed`.
    average: Option<MovingAverage>,
    fault: String,
}

impl Method for Scale {
    type Config = Config;
    const ABOUT: About = About { name: "scale", summary: "", reference: "" };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let channels = setup.single_system()?.channels.len();
        let encoder = Linear::new(channels, 3, params.pp("encoder"))?;
        let head = Linear::new(3, 1, params.pp("head"))?;
        if config.fault == "scaled" {
            for (_, var) in params.named() {
                var.set(&(var.as_tensor() * 3.0)?)?;
            }
        }
        let mut average = None;
        if config.fault == "followed" {
            let follower = params.pp("follower").untrained();
            Linear::new(channels, 3, follower.clone())?;
            average = Some(MovingAverage::new(&params.pp("encoder"), &follower)?);
        }
        Ok(Self { encoder, head, average, fault: config.fault.clone() })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        let tokens = self.encode(batch)?;
        let noise = match self.fault.as_str() {
            "noisy" => step.rng("noise").normal(1, DType::F32, &Device::Cpu)?.mean_all()?,
            _ => Tensor::new(0.5f32, &Device::Cpu)?,
        };
        let loss = match self.fault.as_str() {
            "headless" => tokens.sqr()?.mean_all()?,
            _ => self.head.forward(&tokens)?.broadcast_sub(&noise)?.sqr()?.mean_all()?,
        };
        Ok(if self.fault == "diverge" { (loss / 0.0)? } else { loss })
    }

    fn after_update(&self, _: &Step) -> Result<()> {
        Ok(self.average.as_ref().map_or(Ok(()), |average| average.update(0.5))?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        let means = batch.clips.mean((2, 3, 4))?.unsqueeze(1)?;
        let tokens = self.encoder.forward(&means)?;
        Ok(if self.fault == "flat" { tokens.mean(D::Minus1)? } else { tokens })
    }
}

extern "C" fn log(_: *const (), _: LogLevel, _: RStr<'_>) {}
extern "C" fn metric(_: *const (), _: RStr<'_>, _: u64, _: f64) {}
extern "C" fn cancelled(_: *const ()) -> bool {
    false
}

fn session(config: &str, steps: u64) -> Result<Session<Scale>> {
    let channel = |name: &str| Channel { field: name.into(), name: name.into(), rank: 0, component: [0, 0] };
    let system = Geometry {
        channels: vec![channel("tracer"), channel("pressure")],
        coordinates: [4, 6].map(|n| (0..n).map(f64::from).collect()),
        boundaries: [BoundaryCondition::Periodic; 2],
        time_step: 0.1,
    };
    let setup = Setup {
        systems: vec![system],
        context_frames: 2,
        future_frames: 1,
        batch_size: 2,
        pretrain_steps: steps,
        device: Device::Cpu,
        seed: 3,
        scratch_dir: std::env::temp_dir(),
    };
    Session::new(config, setup, HostCallbacks { context: std::ptr::null(), log, metric, cancelled })
}

fn clips(shape: impl Into<Shape>, index: u64) -> Batch {
    let clips = Rng::new(11, "clips", index).normal(shape, DType::F32, &Device::Cpu).expect("normal");
    Batch { clips, system: 0 }
}

fn weights(session: &Session<Scale>) -> Vec<Vec<f32>> {
    let flat = |var: Var| var.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("f32");
    session.params.named().into_iter().map(|(_, var)| flat(var)).collect()
}

#[track_caller]
fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}
