//! Networks whose parameters are moving averages of another's, such as the teachers of self-distillation.

use candle_core::{Result, Var, bail};

use crate::params::Params;

/// A network, the follower, whose parameters are exponential moving averages of those of another, the leader.
pub struct MovingAverage {
    pairs: Vec<(Var, Var)>,
}

impl MovingAverage {
    /// Copies the parameters at `leader` to those at `follower`. Both networks have been built, with the same names
    /// below their paths; the follower from [`Params::untrained`].
    ///
    /// # Errors
    /// If their parameters differ in names or shapes.
    pub fn new(leader: &Params, follower: &Params) -> Result<Self> {
        let (leader, follower) = (leader.named(), follower.named());
        let same = |((name, var), (other, follower)): (&(String, Var), &(String, Var))| {
            name == other && var.dims() == follower.dims()
        };
        if leader.len() != follower.len() || !leader.iter().zip(&follower).all(same) {
            bail!(
                "moving average: the {} parameters of the follower differ from the {} of the leader in names or shapes",
                follower.len(),
                leader.len()
            );
        }
        let pairs: Vec<_> = leader.into_iter().zip(follower).map(|((_, leader), (_, own))| (leader, own)).collect();
        for (leader, follower) in &pairs {
            follower.set(leader)?;
        }
        Ok(Self { pairs })
    }

    /// Sets each parameter of the follower to `decay * follower + (1 - decay) * leader`.
    pub fn update(&self, decay: f64) -> Result<()> {
        for (leader, follower) in &self.pairs {
            let moved = ((follower.as_tensor() * decay)? + (leader.as_tensor() * (1.0 - decay))?)?;
            follower.set(&moved.detach())?;
        }
        Ok(())
    }
}
