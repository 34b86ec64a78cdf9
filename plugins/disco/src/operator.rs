//! The operator network: a small U-Net whose weights are inputs, different for each sample.

use physrep_plugin_api::{
    candle_core::{DType, Device, Error, Result, Tensor, bail},
    nn::{Edge, gelu, group_norm, per_sample_conv, per_sample_depthwise_conv},
};

/// Groups and epsilon of the norms, as upstream.
const GROUPS: usize = 4;
const EPS: f64 = 1e-5;

/// One weight tensor of the network.
#[derive(Clone, Debug)]
pub struct Weight {
    /// The name of its layer.
    pub name: String,
    /// Its shape: `(O, 9 I)` of a dense 3x3 convolution, `(9, I)` of a depthwise one, `(I, O)` of a matrix product.
    pub shape: [usize; 2],
    /// The bound of PyTorch's default initialisation: `1 / sqrt(fan_in)`.
    pub bound: f64,
}

impl Weight {
    /// The number of elements.
    pub fn count(&self) -> usize {
        self.shape[0] * self.shape[1]
    }
}

/// The U-Net of DISCO for fields of one system: its layers, without their weights.
///
/// On the way down, widths double and sides halve `levels` times; a bottleneck; then back up, with skip connections that
/// concatenate the maps of the way down. No biases, and norms without parameters. Periodic axes are padded periodically, all
/// others by reflection; if there are any of these, the first layer gets one more channel that is 1 on their end points.
#[derive(Clone, Debug)]
pub struct OperatorNetwork {
    channels: usize,
    levels: usize,
    edges: [Edge; 2],
    weights: Vec<Weight>,
}

impl OperatorNetwork {
    /// A network for fields of `channels` channels, `start` channels wide at full resolution, with `levels` halvings.
    ///
    /// # Errors
    /// If `start` is not a multiple of the norms' four groups.
    pub fn new(channels: usize, start: usize, levels: usize, edges: [Edge; 2]) -> Result<Self> {
        if start == 0 || !start.is_multiple_of(GROUPS) {
            bail!("`start_channels` (={start}) must be a multiple of the {GROUPS} groups of its norms");
        }
        let weight = |name: String, shape, fan_in: usize| Weight { name, shape, bound: 1.0 / (fan_in as f64).sqrt() };
        let dense = |name: &str, inputs, outputs| weight(name.into(), [outputs, 9 * inputs], 9 * inputs);
        let walls = usize::from(edges.contains(&Edge::Reflect));
        let mut weights = vec![dense("adapter_in", channels + walls, start), dense("conv_in", start, start)];
        for level in 0..levels {
            let wide = start << level;
            weights.push(weight(format!("downs.{level}.halve"), [4 * wide, 2 * wide], 4 * wide));
            weights.push(weight(format!("downs.{level}.depthwise"), [9, 2 * wide], 9));
        }
        let deepest = start << levels;
        weights.push(weight("bottleneck.0".into(), [deepest, 2 * deepest], deepest));
        weights.push(weight("bottleneck.1".into(), [2 * deepest, deepest], 2 * deepest));
        for level in (0..levels).rev() {
            let wide = start << level;
            // For a transposed convolution, PyTorch's initialisation counts the outputs as inputs.
            weights.push(weight(format!("ups.{level}.double"), [2 * wide, 4 * wide], 4 * wide));
            weights.push(weight(format!("ups.{level}.grouped"), [9, 2 * wide], 18));
        }
        weights.extend([dense("conv_out", start, start), dense("adapter_out", start, channels)]);
        Ok(Self { channels, levels, edges, weights })
    }

    /// The weights that [`forward`](Self::forward) takes, in order.
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// The number of elements of all weights.
    pub fn count(&self) -> usize {
        self.weights.iter().map(Weight::count).sum()
    }

    /// The number of points that sides must be multiples of.
    pub fn multiple(&self) -> usize {
        1 << self.levels
    }

    /// The additional channel of the first layer, `(B, H, W, 1)`: 1 on the end points of axes that are not periodic; `None` if
    /// all are.
    pub fn walls(&self, [b, h, w]: [usize; 3], dtype: DType, device: &Device) -> Result<Option<Tensor>> {
        if !self.edges.contains(&Edge::Reflect) {
            return Ok(None);
        }
        let on_wall = |i: usize, len: usize, edge: Edge| edge == Edge::Reflect && (i == 0 || i + 1 == len);
        let mask: Vec<f32> = (0..b * h * w)
            .map(|i| f32::from(on_wall(i / w % h, h, self.edges[0]) || on_wall(i % w, w, self.edges[1])))
            .collect();
        Ok(Some(Tensor::from_vec(mask, (b, h, w, 1), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)?))
    }

    /// The time derivative of the fields `x (B, H, W, C)`, of the same shape. `weights[i] (B, ..)` has the shape of
    /// [`weights`](Self::weights) after the batch axis; `walls` comes from [`walls`](Self::walls).
    ///
    /// # Errors
    /// If sides are not multiples of [`multiple`](Self::multiple), or shapes do not fit.
    pub fn forward(&self, x: &Tensor, walls: Option<&Tensor>, weights: &[Tensor]) -> Result<Tensor> {
        let (_, h, w, channels) = x.dims4()?;
        if channels != self.channels || h % self.multiple() != 0 || w % self.multiple() != 0 {
            let (multiple, channels) = (self.multiple(), self.channels);
            bail!(
                "the operator expected fields (B, H, W, {channels}), H and W multiples of {multiple}; got {:?}",
                x.dims()
            );
        }
        let mut weights = weights.iter();
        let mut next = || weights.next().ok_or_else(|| Error::Msg("too few weights for the operator network".into()));
        let activate = |x: Tensor| gelu(&group_norm(&x, None, GROUPS, EPS)?);
        let x = match walls {
            Some(walls) => Tensor::cat(&[x, walls], 3)?,
            None => x.clone(),
        };
        let x = per_sample_conv(&x, next()?, self.edges)?;
        let mut x = activate(per_sample_conv(&x, next()?, self.edges)?)?;
        let mut skips = Vec::with_capacity(self.levels);
        for _ in 0..self.levels {
            skips.push(x.clone());
            x = activate(halve(&x, next()?)?)?;
            x = activate(per_sample_depthwise_conv(&x, next()?, 1, self.edges)?)?;
        }
        let wide = activate(pointwise(&x, next()?)?)?;
        x = (x + pointwise(&wide, next()?)?)?;
        while let Some(skip) = skips.pop() {
            let up = double(&x, next()?)?;
            x = activate(per_sample_depthwise_conv(&Tensor::cat(&[&up, &skip], 3)?, next()?, 2, self.edges)?)?;
        }
        let x = activate(per_sample_conv(&x, next()?, self.edges)?)?;
        per_sample_conv(&x, next()?, self.edges)
    }
}

/// `x (B, H, W, I)` times `weight (B, I, O)`.
fn pointwise(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (b, h, w, inputs) = x.dims4()?;
    x.reshape((b, h * w, inputs))?.matmul(weight)?.reshape((b, h, w, ()))
}

/// A convolution of non-overlapping patches of 2x2 points: `x (B, H, W, I)`, `weight (B, 4 I, O)`, to
/// `(B, H / 2, W / 2, O)`.
fn halve(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (b, h, w, inputs) = x.dims4()?;
    let patches = x.reshape(&[b, h / 2, 2, w / 2, 2 * inputs][..])?.transpose(2, 3)?.contiguous()?;
    pointwise(&patches.reshape((b, h / 2, w / 2, 4 * inputs))?, weight)
}

/// The transposed convolution of [`halve`]: `x (B, H, W, I)`, `weight (B, I, 4 O)`, to `(B, 2 H, 2 W, O)`.
fn double(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (b, h, w, _) = x.dims4()?;
    let patches = pointwise(x, weight)?;
    let outputs = patches.dim(3)? / 4;
    let rows = patches.reshape(&[b, h, w, 2, 2 * outputs][..])?.transpose(2, 3)?.contiguous()?;
    rows.reshape((b, 2 * h, 2 * w, outputs))
}
