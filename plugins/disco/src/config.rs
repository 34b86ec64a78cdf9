//! The hyper-parameters, and the sizes that follow from them for a grid. `--set disco.KEY=VALUE` overrides a key.

use physrep_plugin_api::Training;
use serde::{Deserialize, Serialize};

use crate::{grid, integrator::IntegratorConfig};

/// The hyper-parameters; the defaults are those of DISCO on The Well.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Channels of the encoder's tokens, and dimension of the latent vector.
    pub dim: usize,
    /// Blocks of the encoder.
    pub depth: usize,
    /// Attention heads of the encoder.
    pub heads: usize,
    /// Grid points along the side of the encoder's patches: 16, 8 or 4. 0 is 16 on large grids and less on small ones
    /// ([`grid::patch`]).
    pub patch: usize,
    /// Initial scale of the encoder's residual branches.
    pub layer_scale: f64,
    /// Width of the generator's two hidden layers.
    pub generator_dim: usize,
    /// Channels of the operator network at full resolution.
    pub start_channels: usize,
    /// Number of times that the operator network halves the grid. 0 is 4 on large grids and less on small ones
    /// ([`grid::levels`]).
    pub levels: usize,
    /// How the operator is integrated.
    pub integrator: IntegratorConfig,
    /// The optimizer and its schedule.
    pub training: Training,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dim: 384,
            depth: 12,
            heads: 6,
            patch: 0,
            layer_scale: 1e-6,
            generator_dim: 768,
            start_channels: 8,
            levels: 0,
            integrator: IntegratorConfig::default(),
            training: Training {
                lr: 1e-4,
                final_lr: 1e-6,
                warmup: 1.0 / 300.0,
                weight_decay: 1e-3,
                beta2: 0.999,
                ..Training::default()
            },
        }
    }
}

impl Config {
    /// The patch and the levels for a grid of `size` points along H and W.
    ///
    /// # Errors
    /// Why the values are invalid, or do not fit the grid.
    pub fn for_grid(&self, size: [usize; 2]) -> Result<(usize, usize), String> {
        self.integrator.validate()?;
        let [height, width] = size;
        let patch = match self.patch {
            0 => grid::patch(size).ok_or_else(|| {
                format!(
                    "no patch fits a grid of {height}x{width} points: both sides must be multiples of 4, such as {}x{} or {}x{}",
                    height / 4 * 4,
                    width / 4 * 4,
                    height.next_multiple_of(4),
                    width.next_multiple_of(4),
                )
            })?,
            patch => patch,
        };
        if [16, 8, 4].contains(&patch) && size.iter().any(|side| !side.is_multiple_of(patch)) {
            return Err(format!("`patch` (={patch}) must divide both sides of the grid of {height}x{width} points"));
        }
        let levels = match self.levels {
            0 => grid::levels(size),
            levels => levels,
        };
        let multiple = 1usize.checked_shl(levels as u32).unwrap_or(0);
        if multiple == 0 || size.iter().any(|side| !side.is_multiple_of(multiple) || *side < 2 * multiple) {
            return Err(format!(
                "`levels` (={levels}): a grid of {height}x{width} points must be divisible by two that many times, with at \
                 least two points left along each side; it allows {} levels",
                grid::levels(size)
            ));
        }
        if self.generator_dim == 0 {
            return Err("`generator_dim` (=0) must be 1 or more".into());
        }
        Ok((patch, levels))
    }
}
