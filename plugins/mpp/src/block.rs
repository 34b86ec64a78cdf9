//! One block of the transformer: attention along time, then along either axis of space, then an MLP.

use physrep_plugin_api::{
    candle_core::{Device, Result, Tensor},
    nn::{Init, InstanceNorm, Linear, Params, Rng, gelu, rms_instance_norm, swap_axes},
};

use crate::{attention::Attention, grid::Grid, stem::EPS};

/// PyTorch's default, which the published code uses.
const CENTRED_EPS: f64 = 1e-5;

/// Each position attends to itself at other times.
///
/// Parameters: those of `norm1`, `norm2` and [`Attention`], and `gamma (D)`.
pub struct Temporal {
    norm1: InstanceNorm,
    attention: Attention,
    norm2: InstanceNorm,
    gamma: Tensor,
}

impl Temporal {
    /// A layer for tokens of `dim` channels, whose `gamma` starts at `layer_scale`.
    pub fn new(dim: usize, heads: usize, layer_scale: f64, params: Params) -> Result<Self> {
        Ok(Self {
            norm1: InstanceNorm::new(dim, CENTRED_EPS, params.pp("norm1"))?,
            attention: Attention::new(dim, heads, &params)?,
            norm2: InstanceNorm::new(dim, CENTRED_EPS, params.pp("norm2"))?,
            gamma: params.get(dim, "gamma", Init::Const(layer_scale))?,
        })
    }

    /// The residual branch of tokens `(B, T, S, D)`; `buckets (T * T)` are the relative positions of the frames.
    pub fn forward(&self, x: &Tensor, buckets: &Tensor) -> Result<Tensor> {
        let (b, t, s, d) = x.dims4()?;
        let lines = swap_axes(&self.norm1.forward(x)?)?.reshape((b * s, t, d))?;
        let read = self.attention.attend(&self.attention.project(&lines)?, buckets)?;
        let read = swap_axes(&read.reshape((b, s, t, d))?)?;
        self.attention.output(&self.norm2.forward(&read)?, &self.gamma)
    }
}

/// Each position attends to its row and, with the same weights, to its column; the results are averaged.
///
/// Parameters: `{norm1,norm2}.weight (D)`, those of [`Attention`], and `gamma_att (D)`.
pub struct Axial {
    norm1: Tensor,
    attention: Attention,
    norm2: Tensor,
    gamma: Tensor,
}

impl Axial {
    /// A layer for tokens of `dim` channels, whose `gamma_att` starts at `layer_scale`.
    pub fn new(dim: usize, heads: usize, layer_scale: f64, params: Params) -> Result<Self> {
        Ok(Self {
            norm1: params.pp("norm1").get(dim, "weight", Init::Const(1.0))?,
            attention: Attention::new(dim, heads, &params)?,
            norm2: params.pp("norm2").get(dim, "weight", Init::Const(1.0))?,
            gamma: params.get(dim, "gamma_att", Init::Const(layer_scale))?,
        })
    }

    /// The residual branch of tokens `(B, T, S, D)`.
    pub fn forward(&self, x: &Tensor, grid: &Grid) -> Result<Tensor> {
        let (b, t, _, d) = x.dims4()?;
        let (maps, h, w) = (b * t, grid.height, grid.width);
        let qkv = self.attention.project(&rms_instance_norm(x, &self.norm1, EPS)?)?.reshape((maps, h, w, 3 * d))?;
        let along_rows = self.attention.attend(&qkv.reshape((maps * h, w, 3 * d))?, &grid.columns)?;
        let lines = swap_axes(&qkv)?.reshape((maps * w, h, 3 * d))?;
        let along_columns = self.attention.attend(&lines, &grid.rows)?.reshape((maps, w, h, d))?;
        let read = ((along_rows.reshape(x.shape())? + swap_axes(&along_columns)?.reshape(x.shape())?)? * 0.5)?;
        self.attention.output(&rms_instance_norm(&read, &self.norm2, EPS)?, &self.gamma)
    }
}

/// Two linear layers with GELU between them and four times the channels inside; normalised after, not before.
///
/// Parameters: those of `mlp.fc1` and `mlp.fc2`, `mlp_norm.weight (D)` and `gamma_mlp (D)`.
pub struct Mlp {
    fc1: Linear,
    fc2: Linear,
    norm: Tensor,
    gamma: Tensor,
}

impl Mlp {
    /// An MLP for tokens of `dim` channels, whose `gamma_mlp` starts at `layer_scale`.
    pub fn new(dim: usize, layer_scale: f64, params: Params) -> Result<Self> {
        Ok(Self {
            fc1: Linear::new(dim, 4 * dim, params.pp("mlp.fc1"))?,
            fc2: Linear::new(4 * dim, dim, params.pp("mlp.fc2"))?,
            norm: params.pp("mlp_norm").get(dim, "weight", Init::Const(1.0))?,
            gamma: params.get(dim, "gamma_mlp", Init::Const(layer_scale))?,
        })
    }

    /// The residual branch of tokens `(B, T, S, D)`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let inside = gelu(&self.fc1.forward(x)?)?;
        rms_instance_norm(&self.fc2.forward(&inside)?, &(&self.norm * &self.gamma)?, EPS)
    }
}

/// A block.
///
/// Parameters: those of [`Temporal`] under `temporal`, and of [`Axial`] and [`Mlp`] under `spatial`.
pub struct Block {
    temporal: Temporal,
    axial: Axial,
    mlp: Mlp,
    drop_path: f64,
}

impl Block {
    /// A block for tokens of `dim` channels; a clip skips each of its three branches with probability `drop_path`.
    pub fn new(dim: usize, heads: usize, layer_scale: f64, drop_path: f64, params: Params) -> Result<Self> {
        Ok(Self {
            temporal: Temporal::new(dim, heads, layer_scale, params.pp("temporal"))?,
            axial: Axial::new(dim, heads, layer_scale, params.pp("spatial"))?,
            mlp: Mlp::new(dim, layer_scale, params.pp("spatial"))?,
            drop_path,
        })
    }

    /// Tokens `(B, T, S, D)` to the same shape or, if `only_last`, to the last frame's tokens, `(B, 1, S, D)`: only temporal
    /// attention mixes frames, so in the last block the others need not be computed after it. `frames (T * T)` are the
    /// relative positions of the frames. Branches are skipped at random if `rng` is given.
    pub fn forward(
        &self,
        x: &Tensor,
        frames: &Tensor,
        grid: &Grid,
        only_last: bool,
        mut rng: Option<&mut Rng>,
    ) -> Result<Tensor> {
        let mut skip = |branch: Tensor| match rng.as_deref_mut() {
            Some(rng) => drop_path(branch, self.drop_path, rng),
            None => Ok(branch),
        };
        let mut x = (x + skip(self.temporal.forward(x, frames)?)?)?;
        if only_last {
            x = x.narrow(1, x.dim(1)? - 1, 1)?.contiguous()?;
        }
        let x = (&x + skip(self.axial.forward(&x, grid)?)?)?;
        &x + skip(self.mlp.forward(&x)?)?
    }
}

/// Sets `branch (B, ..)` to zero for the clips that skip it and scales up the others (stochastic depth, arXiv:1603.09382).
fn drop_path(branch: Tensor, rate: f64, rng: &mut Rng) -> Result<Tensor> {
    if rate == 0.0 {
        return Ok(branch);
    }
    let kept: Vec<f64> =
        (0..branch.dim(0)?).map(|_| if rng.uniform() < rate { 0.0 } else { 1.0 / (1.0 - rate) }).collect();
    let kept = Tensor::new(kept, &Device::Cpu)?.to_dtype(branch.dtype())?.to_device(branch.device())?.unsqueeze(1)?;
    branch.flatten_from(1)?.broadcast_mul(&kept)?.reshape(branch.shape())
}
