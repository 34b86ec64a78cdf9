//! A method that records everything it receives: the end-to-end tests show with it that no label reaches a plugin.

use physrep_plugin_api::{About, Batch, Method, Params, Result, Setup, Step, Tensor, export_method, nn::Linear};
use serde::{Deserialize, Serialize};

/// What it is called in what it records.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Config {
    /// Before each line.
    mark: String,
}

struct Spy {
    config: Config,
    encoder: Linear,
    head: Linear,
}

impl Config {
    /// Writes a line to the log of the cell.
    fn write(&self, line: &str) {
        eprintln!("{} spies: {line}", self.mark);
    }
}

impl Spy {
    /// Records a batch by a hash of its bits.
    fn note(&self, what: &str, batch: &Batch) -> Result<()> {
        let values = batch.clips.flatten_all()?.to_vec1::<f32>()?;
        // FNV-1a.
        let digest = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .fold(0xcbf2_9ce4_8422_2325u64, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        self.config.write(&format!("{what} {:?} of system {}: {digest:016x}", batch.clips.dims(), batch.system));
        Ok(())
    }

    /// Means over space and time of each channel, encoded: `(B, 1, 4)`.
    fn tokens(&self, clips: &Tensor) -> Result<Tensor> {
        Ok(self.encoder.forward(&clips.mean((2, 3, 4))?)?.unsqueeze(1)?)
    }
}

impl Method for Spy {
    type Config = Config;
    const ABOUT: About = About { name: "spy", summary: "Records everything it receives.", reference: "" };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let Setup { systems, context_frames, future_frames, batch_size, pretrain_steps, seed, .. } = setup;
        let received = (systems, context_frames, future_frames, batch_size, pretrain_steps, seed);
        config.write(&format!("setup: {received:?}"));
        let channels = setup.single_system()?.channels.len();
        let encoder = Linear::new(channels, 4, params.pp("encoder"))?;
        let head = Linear::new(4, channels, params.pp("head"))?;
        Ok(Self { config: config.clone(), encoder, head })
    }

    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        self.note(&format!("step {} of {}", step.index(), step.total()), batch)?;
        Ok(self.head.forward(&self.tokens(&batch.clips)?)?.sqr()?.mean_all()?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        self.note("encode", batch)?;
        self.tokens(&batch.clips)
    }
}

export_method!(Spy);
