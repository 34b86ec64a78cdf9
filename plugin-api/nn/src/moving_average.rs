//! Networks that follow another one slowly, as the teachers of self-distillation do.

use candle_core::{Result, Var, bail};

use crate::params::Params;

/// The parameters of a network that are moving averages of another's.
pub struct MovingAverage {
    pairs: Vec<(Var, Var)>,
}

impl MovingAverage {
    /// Lets the network at `follower` start where the one at `leader` is. Both are built already, with the same names below
    /// their paths; the follower's from [`Params::untrained`].
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
                "moving average: a network of {} parameters cannot follow one of {}, as names or shapes differ",
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

    /// Moves each parameter of the follower to `decay` of itself and `1 - decay` of the leader's.
    pub fn update(&self, decay: f64) -> Result<()> {
        for (leader, follower) in &self.pairs {
            let moved = ((follower.as_tensor() * decay)? + (leader.as_tensor() * (1.0 - decay))?)?;
            follower.set(&moved.detach())?;
        }
        Ok(())
    }
}
