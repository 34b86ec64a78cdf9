//! The hyper-parameters. Every key has a default; `--set autoencoder.KEY=VALUE` overrides one.

use physrep_plugin_api::Training;
use serde::{Deserialize, Serialize};

/// The hyper-parameters; the defaults are those of the paper's JEPA, with the reference's decoder.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Channels of each stage of the encoder, and in reverse order of the decoder: five stages for clips of 16 frames, four
    /// for 4.
    pub dims: Vec<usize>,
    /// Residual blocks of each stage of the encoder.
    pub num_res_blocks: Vec<usize>,
    /// Residual blocks of each stage of the decoder, which has one stage fewer.
    pub decoder_blocks: Vec<usize>,
    /// Initial scale of every residual branch.
    pub layer_scale: f64,
    /// The optimizer and its schedule.
    pub training: Training,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dims: vec![16, 32, 64, 128, 128],
            num_res_blocks: vec![3, 3, 3, 9, 3],
            decoder_blocks: vec![3, 9, 3, 3],
            layer_scale: 1e-6,
            training: Training::default(),
        }
    }
}
