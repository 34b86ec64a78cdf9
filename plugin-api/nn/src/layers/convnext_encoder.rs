//! The encoder of arXiv:2603.13227: a ConvNeXt in space and time that ends in a 2-D map.

use candle_core::{Result, Tensor, bail};

use super::conv::Conv;
use super::convnext::ConvNextStage;
use super::layer_norm::LayerNorm;
use crate::ops::swap_axes;
use crate::params::Params;
use crate::shape::Axis;

/// As in the paper.
const EPS: f64 = 1e-6;
const KERNEL: [usize; 3] = [7, 7, 7];

/// A stem at full resolution, then stages of ConvNeXt blocks; the resolution is halved before each but the first. Time
/// has shrunk to one frame before the last stage, which is 2-D.
///
/// Parameters: `downsample_layers.I.{0,1}` and `res_blocks.I.J`.
pub struct ConvNextEncoder {
    in_channels: usize,
    frames: usize,
    stem: (Conv, LayerNorm),
    stages: Vec<Stage>,
}

struct Stage {
    /// `None` for the first stage.
    downsample: Option<(LayerNorm, Conv)>,
    /// Whether the blocks of this stage are 2-D.
    flat: bool,
    blocks: ConvNextStage,
}

impl ConvNextEncoder {
    /// An encoder of clips of 16 frames with five stages, or of 4 frames with four; stage I has
    /// `dims[I]` channels and `blocks[I]` blocks, whose `gamma` is initialised to `layer_scale`.
    ///
    /// # Errors
    /// If the lengths of `dims` and `blocks` do not match the number of stages for `frames`.
    pub fn new(
        in_channels: usize,
        dims: &[usize],
        blocks: &[usize],
        frames: usize,
        layer_scale: f64,
        params: Params,
    ) -> Result<Self> {
        let halvings = halvings(frames)?;
        let count = halvings.len() + 1;
        if dims.len() != count || blocks.len() != count {
            bail!(
                "a ConvNeXt encoder of {frames} frames has {count} stages: expected as many dims \
                 and block counts, got {dims:?} and {blocks:?}"
            );
        }
        if in_channels == 0 || dims.contains(&0) {
            bail!(
                "the ConvNeXt encoder needs channels: expected positive counts, got {in_channels} input channels and dims {dims:?}"
            );
        }
        let downsample = params.pp("downsample_layers");
        let axes = [Axis::same(1), Axis::same(4), Axis::same(4)];
        let stem = (
            Conv::new(in_channels, dims[0], &axes, downsample.pp("0.0"))?,
            LayerNorm::new(dims[0], EPS, downsample.pp("0.1"))?,
        );
        let mut stages = Vec::with_capacity(count);
        for (i, &dim) in dims.iter().enumerate() {
            let flat = i + 1 == count;
            let kernel = if flat { &KERNEL[1..] } else { &KERNEL };
            let blocks = ConvNextStage::new(blocks[i], dim, kernel, layer_scale, params.pp("res_blocks").pp(i))?;
            let downsample = match i {
                0 => None,
                _ => {
                    let axes = [halvings[i - 1], 2, 2].map(Axis::patches);
                    let norm = LayerNorm::new(dims[i - 1], EPS, downsample.pp(i).pp(0))?;
                    let conv = Conv::new(dims[i - 1], dim, &axes, downsample.pp(i).pp(1))?;
                    Some((norm, conv))
                }
            };
            stages.push(Stage { downsample, flat, blocks });
        }
        Ok(Self { in_channels, frames, stem, stages })
    }

    /// The side of the square of input points that one position of the embedding covers.
    pub fn patch(&self) -> usize {
        1 << (self.stages.len() - 1)
    }

    /// Clips `(B, C, T, H, W)` to embeddings, channels-last `(B, H / P, W / P, D)` with P the
    /// [`patch`](Self::patch), 16 or 8.
    pub fn forward(&self, clips: &Tensor) -> Result<Tensor> {
        let (batch, channels, frames, height, width) = clips.dims5()?;
        let patch = self.patch();
        if channels != self.in_channels || frames != self.frames || height < patch || width < patch {
            bail!(
                "the ConvNeXt encoder expected clips (B, {}, {}, H, W) with H and W at least {patch}, \
                 got {:?}",
                self.in_channels,
                self.frames,
                clips.dims()
            );
        }
        let points = clips.reshape((batch, channels, frames * height * width, 1))?;
        let x = swap_axes(&points)?.reshape((batch, frames, height, width, channels))?;
        let mut x = self.stem.0.forward_then_norm(&self.stem.1, &x)?;
        for stage in &self.stages {
            if let Some((norm, conv)) = &stage.downsample {
                x = conv.forward_after_norm(norm, &x)?;
            }
            if stage.flat {
                x = x.squeeze(1)?;
            }
            x = stage.blocks.forward(&x)?;
        }
        Ok(x)
    }
}

/// The factors by which time shrinks before each stage but the first; height and width are halved there.
pub(super) fn halvings(frames: usize) -> Result<&'static [usize]> {
    match frames {
        16 => Ok(&[2, 2, 2, 2]),
        4 => Ok(&[2, 1, 2]),
        _ => bail!("the ConvNeXt encoder takes clips of 16 or 4 frames, not {frames}"),
    }
}
