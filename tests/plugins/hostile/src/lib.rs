//! A method that misbehaves on demand: the end-to-end tests show with it that a bad plugin costs its cell and nothing else.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use physrep_plugin_api::{
    About, Batch, DType, Method, Params, Result, Setup, Step, Tensor, export_method,
    nn::{Init, Linear},
};
use serde::{Deserialize, Serialize};

static CALLS: AtomicU32 = AtomicU32::new(0);

/// How it misbehaves, and when.
#[derive(Serialize, Deserialize)]
struct Config {
    /// `none`, `panic`, `abort`, `loop`, `nan`, `error`, `exit`, `print`, `unused` (a parameter without gradient), `batch` (tokens
    /// are relative to those of the batch), `unsteady` (tokens differ from call to call), `deaf` (closes its output and hangs),
    /// `orphan` (leaves a process that holds its output, and exits), `flood` (prints 64 MiB without a line end), `novel` (an error
    /// of 16 MiB), or `done` (prints that its cell is done, and exits).
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
        if self.place != place {
            return Ok(tensor);
        }
        match self.fault.as_str() {
            "panic" => panic!("hostile on purpose"),
            "abort" => process::abort(),
            "exit" => process::exit(0),
            "loop" => loop {
                thread::sleep(Duration::from_millis(10));
            },
            "nan" => Ok((tensor * f64::NAN)?),
            "error" => Err("an error on purpose".into()),
            "print" => {
                println!("{{\"event\":\"nonsense\"}}\nnot an event at all");
                Ok(tensor)
            }
            "deaf" => {
                // SAFETY: nothing else in this process uses the descriptor that messages go to.
                unsafe {
                    (0..100).filter(|&descriptor| descriptor != 2).for_each(|descriptor| {
                        libc::close(descriptor);
                    });
                }
                loop {
                    thread::sleep(Duration::from_millis(10));
                }
            }
            "orphan" => {
                let sleep = process::Command::new("sleep").arg("600").spawn();
                process::exit(i32::from(sleep.is_err()));
            }
            "flood" => {
                print!("{}", "x".repeat(64 << 20));
                Ok(tensor)
            }
            "novel" => Err("long ".repeat((16 << 20) / 5).as_str().into()),
            "done" => {
                println!("\n{{\"event\":\"done\"}}");
                process::exit(0)
            }
            "batch" => Ok(tensor.broadcast_sub(&tensor.mean_keepdim(0)?)?),
            "unsteady" => {
                let odd = CALLS.fetch_add(1, Ordering::Relaxed) % 2;
                Ok((tensor * (1.0 + 1e-6 * f64::from(odd)))?)
            }
            _ => Ok(tensor),
        }
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
        let config = Config { fault: config.fault.clone(), place: config.place.clone(), slow: config.slow };
        let encoder = Linear::new(size, 8, params.pp("encoder"))?;
        let unused = (config.fault == "unused")
            .then(|| params.pp("forgotten").get(3, "weight", Init::Const(1.0)))
            .transpose()?;
        config.at("new", Tensor::zeros(1, DType::F32, &setup.device)?)?;
        Ok(Self { encoder, _unused: unused, config })
    }

    fn loss(&self, batch: &Batch, _: &Step) -> Result<Tensor> {
        thread::sleep(Duration::from_millis(self.config.slow));
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
