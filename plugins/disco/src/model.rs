//! The networks and the objective: predict the next frame by integrating the operator that the context shows.

use physrep_plugin_api::{
    BoundaryCondition, Geometry, Params,
    candle_core::{DType, Result, Tensor},
    nn::Edge,
};

use crate::{
    config::Config,
    generator::Generator,
    hypernetwork::{Hypernetwork, Sizes},
    integrator::{Integrated, IntegratorConfig, integrate},
    operator::OperatorNetwork,
    standardise::standardise,
};

/// Encoder and generator, and the operator network that the generator's weights are for.
///
/// Parameters: `encoder` and `generator`.
pub struct Model {
    encoder: Hypernetwork,
    generator: Generator,
    operator: OperatorNetwork,
    integrator: IntegratorConfig,
}

/// The objective on a batch, and the cost of its integration.
pub struct Objective {
    /// Half the mean squared error in units of the next frame's variance: the negative logarithm of a Gaussian likelihood
    /// with that variance, without its constants. Predicting the frame's mean scores 0.5.
    pub loss: Tensor,
    /// Steps that the integrator accepted.
    pub accepted: usize,
    /// Steps that the integrator rejected.
    pub rejected: usize,
}

impl Model {
    /// The networks for clips of `system`, with the `(patch, levels)` of [`Config::for_grid`].
    ///
    /// # Errors
    /// If the sizes do not fit each other.
    pub fn new(config: &Config, (patch, levels): (usize, usize), system: &Geometry, params: &Params) -> Result<Self> {
        let Config { dim, depth, heads, layer_scale, start_channels, generator_dim, integrator, .. } = *config;
        let channels = system.channels.len();
        let edges = system.boundaries.map(|boundary| match boundary {
            BoundaryCondition::Periodic => Edge::Periodic,
            BoundaryCondition::Wall | BoundaryCondition::Open => Edge::Reflect,
        });
        let sizes = Sizes { dim, depth, heads, patch, layer_scale };
        let encoder = Hypernetwork::new(channels, sizes, params.pp("encoder"))?;
        let operator = OperatorNetwork::new(channels, start_channels, levels, edges)?;
        let generator = Generator::new(dim, generator_dim, &operator, params.pp("generator"))?;
        Ok(Self { encoder, generator, operator, integrator })
    }

    /// Clips `(B, C, T, H, W)` to latent vectors `(B, D)`.
    pub fn encode(&self, clips: &Tensor) -> Result<Tensor> {
        self.encoder.forward(clips)
    }

    /// Integrates the operator of `context (B, C, T, H, W)` from its last frame, and compares with `next (B, C, H, W)`.
    pub fn objective(&self, context: &Tensor, next: &Tensor) -> Result<Objective> {
        let frames = context.dim(2)?;
        let transition = Transition::new(&context.narrow(2, frames - 1, 1)?.squeeze(2)?, next)?;
        let weights = self.generator.forward(&self.encode(context)?)?;
        let (b, h, w, _) = transition.from.dims4()?;
        let walls = self.operator.walls([b, h, w], transition.from.dtype(), transition.from.device())?;
        let derivative = |x: &Tensor| self.operator.forward(x, walls.as_ref(), &weights);
        let Integrated { state, accepted, rejected } = integrate(&transition.from, &self.integrator, derivative)?;
        let error = ((state - transition.to)? * transition.unit)?.to_dtype(DType::F32)?;
        Ok(Objective { loss: (error.sqr()?.mean_all()? * 0.5)?, accepted, rejected })
    }
}

/// A clip's last frame as the operator sees it, and the frame that follows.
struct Transition {
    /// The state at time 0, each channel standardised over space, `(B, H, W, C)`.
    from: Tensor,
    /// The next frame in the same units, `(B, H, W, C)`.
    to: Tensor,
    /// The unit of their difference, in standard deviations of the next frame, `(B, H, W, C)`.
    unit: Tensor,
}

impl Transition {
    /// The transition between two consecutive frames `(B, C, H, W)`.
    fn new(last: &Tensor, next: &Tensor) -> Result<Self> {
        let (b, c, h, w) = last.dims4()?;
        let [last, next] = [last, next].map(|frame| frame.contiguous()?.reshape((b, c, h * w)));
        let (last, next) = (standardise(&last?)?, next?);
        let to = next.broadcast_sub(&last.mean)?.broadcast_div(&last.std)?;
        let unit = (&last.std / standardise(&next)?.std)?.broadcast_as((b, c, h * w))?;
        let fields = |x: &Tensor| x.reshape((b, c, h, w))?.permute([0, 2, 3, 1])?.contiguous();
        Ok(Self { from: fields(&last.normal)?, to: fields(&to)?, unit: fields(&unit.contiguous()?)? })
    }
}
