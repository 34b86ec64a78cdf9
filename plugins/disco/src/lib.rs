//! DISCO (arXiv:2504.19496): a hypernetwork reads from a clip which operator drives it, and writes that operator down as
//! the weights of a small network; integrated over time, it has to give the next frame.
//!
//! All that the operator network learns of the clip passes through one latent vector, which is the representation.

mod attention;
pub mod generator;
pub mod grid;
pub mod hypernetwork;
pub mod integrator;
pub mod operator;
pub mod standardise;

use candle_core::DType;
use physrep_plugin_api::{
    About, Batch, BoundaryCondition, Device, Error, Method, Params, Result, Setup, Step, Tensor, Training,
    export_method, nn::Edge,
};
use serde::{Deserialize, Serialize};

use generator::Generator;
use hypernetwork::{Hypernetwork, Sizes};
use integrator::{Integrated, IntegratorConfig, integrate};
use operator::OperatorNetwork;
use standardise::standardise;

/// The hyper-parameters; the defaults are those of DISCO on The Well.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Channels of the encoder's tokens, and numbers of the latent vector.
    pub dim: usize,
    /// Blocks of the encoder.
    pub depth: usize,
    /// Heads of its attention.
    pub heads: usize,
    /// Points of its patches along each side: 16, 8 or 4; 0 is 16 on large grids and less on small ones ([`grid::patch`]).
    pub patch: usize,
    /// What the scale of its residual branches starts at.
    pub layer_scale: f64,
    /// Width of the generator's two hidden layers.
    pub generator_dim: usize,
    /// Channels of the operator network at full resolution.
    pub start_channels: usize,
    /// How often it halves the grid; 0 is 4 on large grids and less on small ones ([`grid::levels`]).
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

/// The method.
pub struct Disco {
    encoder: Hypernetwork,
    generator: Generator,
    operator: OperatorNetwork,
    integrator: IntegratorConfig,
    context_frames: usize,
}

/// A clip's last frame as the operator sees it, and the frame that follows.
struct Transition {
    /// The state at time 0, each channel standardised over space, `(B, H, W, C)`.
    from: Tensor,
    /// The next frame in the same units.
    to: Tensor,
    /// Their difference's unit, in deviations of the next frame, `(B, H, W, C)`.
    unit: Tensor,
}

impl Transition {
    /// Of two neighbouring frames `(B, C, H, W)`.
    fn new(last: &Tensor, next: &Tensor) -> Result<Self> {
        let (b, c, h, w) = last.dims4()?;
        let [last, next] = [last, next].map(|frame| frame.contiguous()?.reshape((b, c, h * w)));
        let (last, next) = (standardise(&last?)?, next?);
        let to = next.broadcast_sub(&last.mean)?.broadcast_div(&last.deviation)?;
        let unit = (&last.deviation / standardise(&next)?.deviation)?.broadcast_as((b, c, h * w))?;
        let fields =
            |x: &Tensor| -> Result<Tensor> { Ok(x.reshape((b, c, h, w))?.permute([0, 2, 3, 1])?.contiguous()?) };
        Ok(Self { from: fields(&last.normal)?, to: fields(&to)?, unit: fields(&unit.contiguous()?)? })
    }
}

/// The objective on a batch, and how it was integrated.
pub struct Objective {
    /// Half the mean squared error in units of the next frame's variance: the negative logarithm of a Gaussian likelihood
    /// of that variance, without its constants. Predicting the frame's mean scores 0.5.
    pub loss: Tensor,
    /// Steps of the integrator.
    pub accepted: usize,
    /// Steps that it threw away.
    pub rejected: usize,
}

impl Disco {
    /// Lets the operator that `context (B, C, T, H, W)` shows run from its last frame to `next (B, C, H, W)`.
    pub fn objective(&self, context: &Tensor, next: &Tensor) -> Result<Objective> {
        let frames = context.dim(2)?;
        let transition = Transition::new(&context.narrow(2, frames - 1, 1)?.squeeze(2)?, next)?;
        let weights = self.generator.forward(&self.encoder.forward(context)?)?;
        let (b, h, w, _) = transition.from.dims4()?;
        let walls = self.operator.walls([b, h, w], transition.from.dtype(), transition.from.device())?;
        let derivative = |x: &Tensor| self.operator.forward(x, walls.as_ref(), &weights);
        let Integrated { state, accepted, rejected } = integrate(&transition.from, &self.integrator, derivative)?;
        let error = ((state - transition.to)? * transition.unit)?.to_dtype(DType::F32)?;
        Ok(Objective { loss: (error.sqr()?.mean_all()? * 0.5)?, accepted, rejected })
    }
}

impl Method for Disco {
    type Config = Config;
    const ABOUT: About = About {
        name: "disco",
        summary: "Reads from a clip the operator that drives it, and integrates it to the next frame.",
        reference: "arXiv:2504.19496",
    };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let system = setup.single_system()?;
        if setup.pretrain_steps > 0 && setup.future_frames == 0 {
            return Err(Error::Unsupported(
                "disco predicts the frame after the context, and was given pretraining clips without a future".into(),
            ));
        }
        let wrong = |why: String| Error::Config(format!("disco: {why}"));
        config.integrator.validate().map_err(wrong)?;
        let size @ [height, width] = system.size();
        let patch = match config.patch {
            0 => grid::patch(size).ok_or_else(|| wrong(format!("no patch fits a grid of {height}x{width} points")))?,
            patch => patch,
        };
        if [16, 8, 4].contains(&patch) && size.iter().any(|side| !side.is_multiple_of(patch)) {
            return Err(wrong(format!(
                "`patch` (={patch}) must divide both sides of the grid of {height}x{width} points"
            )));
        }
        let levels = match config.levels {
            0 => grid::levels(size),
            levels => levels,
        };
        let multiple = 1usize.checked_shl(levels as u32).unwrap_or(0);
        if multiple == 0 || size.iter().any(|side| !side.is_multiple_of(multiple) || *side < 2 * multiple) {
            return Err(wrong(format!(
                "`levels` (={levels}) halvings must come out even on a grid of {height}x{width} points and leave two \
                 points along each side; {} do",
                grid::levels(size)
            )));
        }
        if config.generator_dim == 0 {
            return Err(wrong("`generator_dim` (=0) must be 1 or more".into()));
        }
        let channels = system.channels.len();
        let edges = system.boundaries.map(|boundary| match boundary {
            BoundaryCondition::Periodic => Edge::Periodic,
            _ => Edge::Reflect,
        });
        let Config { dim, depth, heads, layer_scale, .. } = *config;
        let built = |e: candle_core::Error| wrong(e.to_string());
        let sizes = Sizes { dim, depth, heads, patch, layer_scale };
        let encoder = Hypernetwork::new(channels, sizes, params.pp("encoder")).map_err(built)?;
        let operator = OperatorNetwork::new(channels, config.start_channels, levels, edges).map_err(built)?;
        let generator = Generator::new(dim, config.generator_dim, &operator, params.pp("generator")).map_err(built)?;
        let context_frames = setup.context_frames;
        Ok(Self { encoder, generator, operator, integrator: config.integrator, context_frames })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        // Any frame with enough before it may be the one to predict.
        let choices = batch.clips.dim(2)? - self.context_frames;
        let start = step.rng("start").below(choices);
        let context = batch.clips.narrow(2, start, self.context_frames)?;
        let next = batch.clips.narrow(2, start + self.context_frames, 1)?.squeeze(2)?;
        let Objective { loss, accepted, rejected } = self.objective(&context, &next)?;
        let count = |n: usize| Tensor::new(n as f64, &Device::Cpu);
        step.metric("steps", &count(accepted)?)?;
        step.metric("rejected", &count(rejected)?)?;
        Ok(loss)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        let latent = self.encoder.forward(&batch.clips)?;
        Ok(latent.reshape((latent.dim(0)?, 1, latent.dim(1)?))?)
    }
}

export_method!(Disco);
