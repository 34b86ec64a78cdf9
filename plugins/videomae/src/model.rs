//! The networks and the loss.

use physrep_plugin_api::{
    candle_core::{Result, Tensor, bail},
    nn::{Params, Rng, mean_squared_error, precise},
};

use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::grid::Grid;
use crate::mask::{Selection, TubeMask};
use crate::target::normalise;
use crate::transformer::Shape;

/// The parts of a [`Model`].
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// Channels of the clips.
    pub channels: usize,
    /// How clips are cut into tubelets.
    pub grid: Grid,
    /// The encoder's size.
    pub encoder: Shape,
    /// The decoder's size.
    pub decoder: Shape,
    /// The fraction of patches that is hidden, rounded down to whole patches.
    pub mask_ratio: f64,
    /// Whether each tubelet of the target is normalised by its own mean and standard deviation.
    pub norm_target: bool,
}

/// A masked autoencoder: the encoder sees a few tubes of a clip, the decoder predicts the others.
///
/// Parameters: `encoder`, and the [`Decoder`]'s.
pub struct Model {
    parts: Parts,
    hidden: usize,
    encoder: Encoder,
    decoder: Decoder,
}

impl Model {
    /// The networks.
    ///
    /// # Errors
    /// If a transformer's sizes are invalid, or the mask hides no patch or all of them.
    pub fn new(parts: Parts, params: Params) -> Result<Self> {
        let Parts { channels, grid, encoder, decoder, mask_ratio, norm_target } = parts;
        encoder.check("the encoder's")?;
        decoder.check("the decoder's")?;
        let patches = grid.patches();
        // The cast turns a negative ratio or NaN into 0.
        let hidden = (mask_ratio * patches as f64) as usize;
        if hidden == 0 || hidden >= patches {
            bail!(
                "`mask_ratio` (={mask_ratio}) hides {hidden} of {patches} patches: it must hide at least one and leave \
                 at least one, and a smaller `patch` makes more of them"
            );
        }
        if norm_target && grid.pixels() == 1 {
            bail!(
                "tubelets of one pixel have no standard deviation: set `norm_target` to false, or a larger `tubelet` or `patch`"
            );
        }
        Ok(Self {
            parts,
            hidden,
            encoder: Encoder::new(channels, &grid, encoder, params.pp("encoder"))?,
            decoder: Decoder::new(encoder.dim, channels, &grid, decoder, params)?,
        })
    }

    /// Masks for `batch` clips.
    pub fn mask(&self, batch: usize, rng: &mut Rng, clips: &Tensor) -> Result<TubeMask> {
        TubeMask::draw(&self.parts.grid, batch, self.hidden, rng, clips.device())
    }

    /// The mean squared error of the hidden tubelets of `clips (B, C, T, H, W)`, predicted from the visible ones. With a
    /// normalised target, a prediction of zero scores about 1.
    pub fn loss(&self, clips: &Tensor, mask: &TubeMask) -> Result<Tensor> {
        let tubelets = self.parts.grid.cut(clips)?;
        let prediction = precise(&self.decoder.forward(&self.encoder.forward(&tubelets, &mask.visible)?, mask)?)?;
        let target = precise(&mask.hidden.by_sample(&mask.hidden.rows_of(&tubelets)?)?)?;
        let target = if self.parts.norm_target { normalise(&target, self.parts.grid.pixels())? } else { target };
        mean_squared_error(&prediction, &target)
    }

    /// Encodes all tubelets of clips: `(B, C, T, H, W)` to `(B, tokens, D)`.
    pub fn encode(&self, clips: &Tensor) -> Result<Tensor> {
        let all = Selection::all(&self.parts.grid, clips.dim(0)?, clips.device())?;
        self.encoder.forward(&self.parts.grid.cut(clips)?, &all)
    }
}
