//! The generator: from a latent vector to the weights of an operator network.

use physrep_plugin_api::{
    candle_core::{Result, Tensor},
    nn::{Linear, Params, gelu},
};

use crate::operator::{OperatorNetwork, Weight};

/// Two hidden layers, and one linear head per weight tensor.
///
/// Parameters: `hidden.0`, `hidden.1` and `heads.NAME` with the weights' names.
pub struct Generator {
    hidden: [Linear; 2],
    heads: Vec<(Weight, Linear)>,
    /// Root mean square of the bounds over all elements.
    rms: f64,
}

impl Generator {
    /// A generator for latent vectors of dimension `dim`, with hidden layers of width `hidden`.
    pub fn new(dim: usize, hidden: usize, operator: &OperatorNetwork, params: Params) -> Result<Self> {
        let squares: f64 = operator.weights().iter().map(|w| w.count() as f64 * w.bound * w.bound).sum();
        let head = |weight: &Weight| {
            let linear = Linear::new(hidden, weight.count(), params.pp("heads").pp(&weight.name))?;
            Ok((weight.clone(), linear))
        };
        Ok(Self {
            hidden: [
                Linear::new(dim, hidden, params.pp("hidden.0"))?,
                Linear::new(hidden, hidden, params.pp("hidden.1"))?,
            ],
            heads: operator.weights().iter().map(head).collect::<Result<_>>()?,
            rms: (squares / operator.count() as f64).sqrt(),
        })
    }

    /// Latent vectors `(B, D)` to the operator's weights, each `(B, ..)`. With n the bound of a weight's initialisation and R
    /// the root mean square of n over all elements, a weight is `2 n tanh(raw / (2 R))`: at most twice the bound.
    pub fn forward(&self, latent: &Tensor) -> Result<Vec<Tensor>> {
        let x = gelu(&self.hidden[0].forward(latent)?)?;
        let x = gelu(&self.hidden[1].forward(&x)?)?;
        let generate = |(weight, head): &(Weight, Linear)| {
            let squashed = (head.forward(&x)? / (2.0 * self.rms))?.tanh()?;
            let [rows, columns] = weight.shape;
            (squashed * (2.0 * weight.bound))?.reshape((latent.dim(0)?, rows, columns))
        };
        self.heads.iter().map(generate).collect()
    }
}
