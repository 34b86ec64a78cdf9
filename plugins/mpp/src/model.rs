//! The networks for all systems of a run, and the loss.

use physrep_plugin_api::{
    Result, Setup, Tensor, candle_core,
    nn::{Params, Rng},
};

use crate::{config::Config, decoder::Decoder, encoder::Encoder, fields::Fields, grid::Grid, revin};

/// Added to the target's mean square in the denominator of the loss; as published.
const EPS: f64 = 1e-7;

/// Encoder and decoder for all systems of a run.
///
/// Parameters: `encoder` and `decoder`.
pub struct Model {
    fields: Fields,
    grids: Vec<Grid>,
    encoder: Encoder,
    decoder: Decoder,
}

impl Model {
    /// The networks for the systems of `setup`.
    ///
    /// # Errors
    /// If the configuration does not fit the systems.
    pub fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let shape = config.shape(&setup.systems)?;
        let fields = Fields::new(&setup.systems, &setup.device)?;
        let grids = setup.systems.iter().map(|system| Grid::new(system, shape.patch, &setup.device));
        let (count, frames) = (fields.count(), setup.context_frames);
        let (scale, drop) = (config.layer_scale, config.drop_path);
        Ok(Self {
            grids: grids.collect::<candle_core::Result<_>>()?,
            encoder: Encoder::new(count, frames, shape, scale, drop, params.pp("encoder"))?,
            decoder: Decoder::new(count, shape.dim, shape.patch, params.pp("decoder"))?,
            fields,
        })
    }

    /// Encodes histories `(B, C, T, H, W)` of a system to the tokens of their last frames, `(B, S, D)`.
    pub fn encode(&self, history: &Tensor, system: usize) -> Result<Tensor> {
        let (normal, _) = revin::normalise(history)?;
        Ok(self.encoder.forward(&normal, self.fields.of(system), &self.grids[system], None)?)
    }

    /// Predicts the frames `(B, C, H, W)` that follow histories `(B, C, T, H, W)` of a system. Residual branches are skipped
    /// at random if `rng` is given.
    pub fn predict(&self, history: &Tensor, system: usize, rng: Option<&mut Rng>) -> Result<Tensor> {
        let (fields, grid) = (self.fields.of(system), &self.grids[system]);
        let (normal, units) = revin::normalise(history)?;
        let tokens = self.encoder.forward(&normal, fields, grid, rng)?;
        Ok(units.restore(&self.decoder.forward(&tokens, fields, grid)?)?)
    }

    /// The normalised error of predicting `next (B, C, H, W)` from histories `(B, C, T, H, W)` of a system.
    pub fn loss(&self, history: &Tensor, next: &Tensor, system: usize, rng: &mut Rng) -> Result<Tensor> {
        normalised_error(&self.predict(history, system, Some(rng))?, next)
    }
}

/// The squared error of a frame in units of the target's mean square, averaged over clips and channels:
/// `mean((prediction - target)^2) / (1e-7 + mean(target^2))`, both `(B, C, H, W)`.
pub fn normalised_error(prediction: &Tensor, target: &Tensor) -> Result<Tensor> {
    let target = target.to_dtype(prediction.dtype())?.contiguous()?;
    let per_field = |x: Tensor| x.sqr()?.flatten_from(2)?.mean(2);
    let error = per_field((prediction - &target)?)?;
    Ok((error / (per_field(target)? + EPS)?)?.mean_all()?)
}
