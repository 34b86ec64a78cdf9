//! From fields to tokens: an embedding of the system's fields, then convolutions of patches.

use physrep_plugin_api::{
    candle_core::{Result, Tensor},
    nn::{Axis, Init, Params, conv, gelu, rms_instance_norm},
};

/// The epsilon of RMS instance norms, added to the standard deviation, as published.
pub const EPS: f64 = 1e-8;

/// The kernel sizes of the convolutions that make up a patch, the finest first.
pub fn steps(patch: usize) -> &'static [usize] {
    match patch {
        16 => &[4, 2, 2],
        8 => &[4, 2],
        _ => &[4],
    }
}

/// A linear embedding of the fields at every point in `D / 4` channels, of which each system uses the columns of its own
/// fields; then convolutions of patches without bias (with kernels of 4, 2 and 2 points for a patch of 16), each followed by
/// an RMS instance norm, with GELU in between and `D` channels at the end.
///
/// Parameters: `space_bag.weight (D / 4, fields)`, `space_bag.bias (D / 4)`, `embed.in_proj.{0,3,6}.weight (O, I, k, k)`
/// and `embed.in_proj.{1,4,7}.weight (O)`.
pub struct Stem {
    fields: usize,
    embedding: (Tensor, Tensor),
    steps: Vec<Patches>,
}

struct Patches {
    side: usize,
    kernel: Tensor,
    norm: Tensor,
}

impl Stem {
    /// A stem for `fields` fields, patches of `patch` points and tokens of `dim` channels.
    pub fn new(fields: usize, dim: usize, patch: usize, params: Params) -> Result<Self> {
        let (bag, embed) = (params.pp("space_bag"), params.pp("embed.in_proj"));
        let (quarter, sides) = (dim / 4, steps(patch));
        let patches = |(i, &side): (usize, &usize)| {
            let outputs = if i + 1 == sides.len() { dim } else { quarter };
            let init = Init::fan_in_uniform(quarter * side * side);
            Ok(Patches {
                side,
                kernel: embed.pp(3 * i).get((outputs, quarter, side, side), "weight", init)?,
                norm: embed.pp(3 * i + 1).get(outputs, "weight", Init::Const(1.0))?,
            })
        };
        let init = Init::fan_in_uniform(fields);
        Ok(Self {
            fields,
            embedding: (bag.get((quarter, fields), "weight", init)?, bag.get(quarter, "bias", init)?),
            steps: sides.iter().enumerate().map(patches).collect::<Result<_>>()?,
        })
    }

    /// Normalised clips `(B, C, T, H, W)`, whose channels are the fields `columns (C)`, to tokens `(B, T, S, D)`, where
    /// the `S` positions are the patches, row by row.
    pub fn forward(&self, clips: &Tensor, columns: &Tensor) -> Result<Tensor> {
        let (b, channels, t, h, w) = clips.dims5()?;
        // Compensates for the variance that the fields that this system lacks would have added.
        let scale = (self.fields as f64 / channels as f64).sqrt();
        let mut x = clips.permute([0, 2, 3, 4, 1])?.contiguous()?.reshape((b * t, h, w, channels))?;
        for (i, Patches { side, kernel, norm }) in self.steps.iter().enumerate() {
            let (kernel, bias) = match i {
                0 => self.first(kernel, columns, scale)?,
                _ => {
                    x = gelu(&x)?;
                    (kernel.clone(), Tensor::zeros(kernel.dim(0)?, kernel.dtype(), kernel.device())?)
                }
            };
            let patches = conv(&x, &kernel, &bias, &[Axis::patches(*side); 2])?;
            let (maps, h, w, channels) = patches.dims4()?;
            let normal = rms_instance_norm(&patches.reshape((maps, h * w, channels))?, norm, EPS)?;
            x = normal.reshape((maps, h, w, channels))?;
        }
        x.reshape((b, t, (), x.dim(3)?))
    }

    /// Embedding and first convolution as one linear map, so that the embedding of every point need not be computed.
    fn first(&self, kernel: &Tensor, columns: &Tensor, scale: f64) -> Result<(Tensor, Tensor)> {
        let (outputs, quarter, side, _) = kernel.dims4()?;
        let weight = (self.embedding.0.index_select(columns, 1)? * scale)?;
        let bias = (&self.embedding.1 * scale)?;
        let per_point = kernel.permute([0, 2, 3, 1])?.contiguous()?.reshape((outputs * side * side, quarter))?;
        let of_fields = per_point.matmul(&weight)?.reshape((outputs, side, side, ()))?.permute([0, 3, 1, 2])?;
        let shift = per_point.matmul(&bias.unsqueeze(1)?)?.reshape((outputs, side * side))?.sum(1)?;
        Ok((of_fields.contiguous()?, shift))
    }
}
