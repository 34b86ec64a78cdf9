//! The encoder: from a clip to the latent vector of its operator.

use physrep_plugin_api::{
    candle_core::{Result, Tensor, bail},
    nn::{Axis, Init, Params, conv, gelu},
};

use crate::attention::{Block, FrameNorm};
use crate::standardise::standardise;

/// Groups of the norms; fewer if they do not divide the channels.
const GROUPS: usize = 12;

/// Sizes of the encoder.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Channels of a token, and dimension of the latent vector.
    pub dim: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Attention heads.
    pub heads: usize,
    /// Grid points along the side of a patch: 16, 8 or 4.
    pub patch: usize,
    /// Initial scale of every residual branch.
    pub layer_scale: f64,
}

/// Convolutions of non-overlapping patches, a transformer over time, height and width, and a mean over all tokens.
///
/// Parameters: `adapter.{weight,bias}`, a column for each channel; `patches.I.{weight,norm}`; `blocks.I`.
pub struct Hypernetwork {
    adapter: [Tensor; 2],
    patches: Vec<(Tensor, FrameNorm)>,
    blocks: Vec<Block>,
}

impl Hypernetwork {
    /// An encoder of clips with `channels` channels.
    ///
    /// # Errors
    /// If the sizes do not fit each other.
    pub fn new(channels: usize, sizes: Sizes, params: Params) -> Result<Self> {
        let Sizes { dim, depth, heads, patch, layer_scale } = sizes;
        let kernels: &[usize] = match patch {
            16 => &[4, 2, 2],
            8 => &[4, 2],
            4 => &[4],
            _ => bail!("`patch` (={patch}) must be 16, 8 or 4, or 0 for the grid's default"),
        };
        if dim == 0 || !dim.is_multiple_of(4) {
            bail!("`dim` (={dim}) must be a multiple of 4: the patch encoder is a quarter as wide");
        }
        let narrow = dim / 4;
        let init = Init::fan_in_uniform(channels);
        let adapter = params.pp("adapter");
        let adapter = [adapter.get((narrow, channels), "weight", init)?, adapter.get(narrow, "bias", init)?];
        let patches = kernels.iter().enumerate().map(|(i, &kernel)| {
            let params = params.pp("patches").pp(i);
            let outputs = if i + 1 == kernels.len() { dim } else { narrow };
            let init = Init::fan_in_uniform(narrow * kernel * kernel);
            let weight = params.get((outputs, narrow, kernel, kernel), "weight", init)?;
            Ok((weight, FrameNorm::new(outputs, GROUPS, params.pp("norm"))?))
        });
        let blocks = (0..depth).map(|i| Block::new(dim, heads, GROUPS, layer_scale, params.pp("blocks").pp(i)));
        Ok(Self { adapter, patches: patches.collect::<Result<_>>()?, blocks: blocks.collect::<Result<_>>()? })
    }

    /// Clips `(B, C, T, H, W)` to latent vectors `(B, D)`. Each clip's channels are standardised over time and space.
    pub fn forward(&self, clips: &Tensor) -> Result<Tensor> {
        let (b, c, t, h, w) = clips.dims5()?;
        let normal = standardise(&clips.reshape((b, c, t * h * w))?)?.normal;
        let mut x =
            normal.reshape((b, c, t, h, w))?.permute([0, 2, 3, 4, 1])?.contiguous()?.reshape((b * t, h, w, c))?;
        let last = self.patches.len() - 1;
        for (i, (weight, norm)) in self.patches.iter().enumerate() {
            let (weight, bias) = match i {
                0 => self.first(weight)?,
                _ => (weight.clone(), Tensor::zeros(weight.dim(0)?, weight.dtype(), weight.device())?),
            };
            x = norm.forward(&conv(&x, &weight, &bias, &[Axis::patches(weight.dim(2)?); 2])?)?;
            if i < last {
                x = gelu(&x)?;
            }
        }
        for block in &self.blocks {
            x = block.forward(&x, t)?;
        }
        let dim = x.dim(3)?;
        x.reshape((b, (), dim))?.mean(1)
    }

    /// The channels' adapter and the first convolution, `weight (O, D / 4, k, k)`, as one linear map, so that the adapter's
    /// output need not be computed at every point.
    fn first(&self, weight: &Tensor) -> Result<(Tensor, Tensor)> {
        let (outputs, narrow, kernel, _) = weight.dims4()?;
        let [adapter, shift] = &self.adapter;
        let taps = weight.permute([0, 2, 3, 1])?.contiguous()?.reshape((outputs * kernel * kernel, narrow))?;
        let channels = adapter.dim(1)?;
        let joint = taps.matmul(adapter)?.reshape((outputs, kernel, kernel, channels))?.permute([0, 3, 1, 2])?;
        let bias = taps.matmul(&shift.unsqueeze(1)?)?.reshape((outputs, kernel * kernel))?.sum(1)?;
        Ok((joint.contiguous()?, bias))
    }
}
