//! The decoder: from the tokens of a frame to the fields of the next.

use physrep_plugin_api::{
    candle_core::{Result, Tensor},
    nn::{Init, Params, gelu, linear, rms_instance_norm, swap_axes},
};

use crate::grid::Grid;
use crate::stem::{EPS, steps};

/// The inverse of the stem: transposed convolutions of patches with `D / 4` channels, each followed by an RMS instance norm
/// and GELU, and a last one to fields, of which each system uses its own.
///
/// Parameters: `out_proj.{0,3}.weight (I, O, 2, 2)` and `out_proj.{1,4}.weight (O)`, as many as the patch needs,
/// `out_kernel (I, fields, 4, 4)` and `out_bias (fields)`.
pub struct Decoder {
    steps: Vec<(Tensor, Tensor)>,
    kernel: Tensor,
    bias: Tensor,
}

impl Decoder {
    /// A decoder from tokens of `dim` channels to patches of `patch` points.
    pub fn new(fields: usize, dim: usize, patch: usize, params: Params) -> Result<Self> {
        let (sides, quarter, inside) = (steps(patch), dim / 4, params.pp("out_proj"));
        let inputs = |i: usize| if i == 0 { dim } else { quarter };
        let step = |(i, &side): (usize, &usize)| {
            // For a transposed convolution, PyTorch's initialisation counts the outputs as inputs.
            let init = Init::fan_in_uniform(quarter * side * side);
            Ok((
                inside.pp(3 * i).get((inputs(i), quarter, side, side), "weight", init)?,
                inside.pp(3 * i + 1).get(quarter, "weight", Init::Const(1.0))?,
            ))
        };
        let finest = sides[0];
        let init = Init::fan_in_uniform(fields * finest * finest);
        Ok(Self {
            steps: sides[1..].iter().rev().enumerate().map(step).collect::<Result<_>>()?,
            kernel: params.get((inputs(sides.len() - 1), fields, finest, finest), "out_kernel", init)?,
            bias: params.get(fields, "out_bias", init)?,
        })
    }

    /// Tokens `(B, S, D)` of the patches of `grid` to the fields `columns (C)`, `(B, C, H, W)`.
    pub fn forward(&self, tokens: &Tensor, columns: &Tensor, grid: &Grid) -> Result<Tensor> {
        let (b, _, d) = tokens.dims3()?;
        let mut x = tokens.reshape((b, grid.height, grid.width, d))?;
        for (kernel, norm) in &self.steps {
            let bias = Tensor::zeros(kernel.dim(1)?, kernel.dtype(), kernel.device())?;
            let finer = expand(&x, kernel, &bias)?;
            let (_, h, w, channels) = finer.dims4()?;
            let normal = rms_instance_norm(&finer.reshape((b, h * w, channels))?, norm, EPS)?;
            x = gelu(&normal)?.reshape((b, h, w, channels))?;
        }
        let (kernel, bias) = (self.kernel.index_select(columns, 1)?, self.bias.index_select(columns, 0)?);
        expand(&x, &kernel, &bias)?.permute([0, 3, 1, 2])?.contiguous()
    }
}

/// A transposed convolution whose patches do not overlap, which is a linear layer from a token to its patch:
/// `x (B, H, W, I)`, `kernel (I, O, k, k)` and `bias (O)` to `(B, k H, k W, O)`.
fn expand(x: &Tensor, kernel: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (b, h, w, inputs) = x.dims4()?;
    let (_, outputs, side, _) = kernel.dims4()?;
    let weight = kernel.permute([2, 3, 1, 0])?.contiguous()?.reshape((side * side * outputs, inputs))?;
    let bias = bias.unsqueeze(0)?.broadcast_as((side * side, outputs))?.contiguous()?.flatten_all()?;
    let patches = linear(x, &weight, &bias)?.reshape((b * h, w, side, side * outputs))?;
    swap_axes(&patches)?.reshape((b, h * side, w * side, outputs))
}
