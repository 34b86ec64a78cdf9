//! Stacked fits of the attentive classifier, in the folded form that its [head](crate::AttentiveHead) is documented with.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor};
use physrep_nn::{gelu, layer_norm, softmax};

use super::{
    fits::{Fits, initial},
    layers::StackedLinear,
    network::Network,
    parameters::StackedParameters,
    training,
};
use crate::{
    labelled::{LabelledEmbeddings, check_dim},
    probes::{
        attentive::{AttentiveConfig, AttentiveHead, AttentiveRecord, EPSILON, Tokens, heads},
        training::copy_weights,
    },
};

/// The path of the block that attends, in the names of parameters.
const BLOCK: &str = "pooler.cross_attention_block";

/// The heads of all fits.
pub struct Heads {
    fits: usize,
    /// Attention heads of each.
    heads: usize,
    /// `(fits, 1, D)`.
    query: Tensor,
    /// Scale of the layer norm of tokens, `(fits, 1, D)`, and its shift, `(fits, D, 1)`.
    norm1: [Tensor; 2],
    q: StackedLinear,
    /// `(fits, D, D)`.
    keys: Tensor,
    values: StackedLinear,
    /// Scale and shift of the second layer norm, `(fits, 1, D)`.
    norm2: [Tensor; 2],
    /// Scale and shift of a layer norm without parameters, `(D)`.
    plain: [Tensor; 2],
    fc1: StackedLinear,
    fc2: StackedLinear,
    linear: StackedLinear,
}

/// Fits of the probe.
pub(in crate::probes) type StackedAttentive = Fits<Heads, AttentiveRecord>;

/// Fits with each of `seeds` at once.
///
/// # Errors
/// As a fit by itself; also if the device is out of memory.
pub(in crate::probes) fn fit(
    train: &LabelledEmbeddings,
    valid: &LabelledEmbeddings,
    config: &AttentiveConfig,
    seeds: &[u64],
    device: &Device,
) -> crate::Result<StackedAttentive> {
    let budget = config.budget()?;
    let dim = train.embeddings().dim;
    check_dim(dim, valid)?;
    let initial = initial(seeds, |params| AttentiveHead::new(dim, train.parameters(), params).map(|_| ()))?;
    let weights = initial.iter().map(|params| apart(copy_weights(params)?, dim)).collect::<Result<Vec<_>>>()?;
    let parameters = StackedParameters::of(&weights, device)?;
    let network = Heads::new(&parameters, seeds.len(), dim, device)?;
    let (inputs, valid_inputs) = (network.inputs(train, device)?, network.inputs(valid, device)?);
    let (on_train, on_valid) = ((&inputs, train.labels()), (&valid_inputs, valid.labels()));
    let histories = training::train(budget, seeds, &parameters, &network, on_train, on_valid)?;
    let records = histories.into_iter().zip(&initial);
    let records = records.map(|(history, params)| AttentiveRecord::of(history, dim, params)).collect();
    Ok(Fits { network, dim, device: device.clone(), records })
}

/// The weights of a head with keys and values apart. The bias of the keys has no effect on what is predicted, and is left out.
fn apart(mut weights: BTreeMap<String, Tensor>, dim: usize) -> Result<BTreeMap<String, Tensor>> {
    let kv = |part: &str| format!("{BLOCK}.xattn.kv.{part}");
    if let (Some(weight), Some(bias)) = (weights.remove(&kv("weight")), weights.remove(&kv("bias"))) {
        weights.insert("keys.weight".into(), weight.narrow(0, 0, dim)?);
        weights.insert("values.weight".into(), weight.narrow(0, dim, dim)?);
        weights.insert("values.bias".into(), bias.narrow(0, dim, dim)?);
    }
    Ok(weights)
}

impl Heads {
    fn new(parameters: &StackedParameters, fits: usize, dim: usize, device: &Device) -> Result<Self> {
        let linear = |name: &str| StackedLinear::new(parameters, name);
        let row = |name: &str| parameters.get(&format!("{BLOCK}.{name}")).unsqueeze(1);
        Ok(Self {
            fits,
            heads: heads(dim),
            query: parameters.get("pooler.query_tokens").reshape((fits, 1, dim))?,
            norm1: [row("norm1.weight")?, row("norm1.bias")?.t()?],
            q: linear(&format!("{BLOCK}.xattn.q"))?,
            keys: parameters.get("keys.weight"),
            values: linear("values")?,
            norm2: [row("norm2.weight")?, row("norm2.bias")?],
            plain: [Tensor::ones(dim, DType::F32, device)?, Tensor::zeros(dim, DType::F32, device)?],
            fc1: linear(&format!("{BLOCK}.mlp.fc1"))?,
            fc2: linear(&format!("{BLOCK}.mlp.fc2"))?,
            linear: linear("linear")?,
        })
    }

    /// The cross attention: tokens `(fits, B, T, D)` to `(fits, B, D)`, the query added.
    fn attend(&self, tokens: &Tensor) -> Result<Tensor> {
        let (fits, batch, count, dim) = tokens.dims4()?;
        let (heads, width) = (self.heads, dim / self.heads);
        let [gamma, beta] = &self.norm1;

        let q = (self.q.forward(&self.query)? * (width as f64).powf(-0.5))?.reshape((fits * heads, 1, width))?;
        let a = q.matmul(&self.keys.reshape((fits * heads, width, dim))?)?.reshape((fits, heads, dim))?;
        let scores = tokens.flatten(1, 2)?.matmul(&a.broadcast_mul(gamma)?.t()?)?;
        let weights = softmax(&scores.reshape((fits * batch, count, heads))?.transpose(1, 2)?.contiguous()?)?;
        let z = weights.matmul(&tokens.flatten(0, 1)?)?.reshape((fits, batch, heads, dim))?;

        let z = z.transpose(1, 2)?.contiguous()?.flatten(0, 1)?;
        let scaled = self.values.weight.broadcast_mul(gamma)?.reshape((fits * heads, width, dim))?;
        let attended = z.matmul(&scaled.t()?)?.reshape((fits, heads, batch, width))?.transpose(1, 2)?;
        let shift = self.values.weight.matmul(beta)?.reshape((fits, 1, dim))?;
        let shift = ((shift + &self.values.bias)? + &self.query)?;
        attended.reshape((fits, batch, dim))?.broadcast_add(&shift)
    }
}

impl Network for Heads {
    /// Normalised tokens, `(N, T, D)`.
    fn inputs(&self, split: &LabelledEmbeddings, device: &Device) -> Result<Tensor> {
        let windows: Vec<u32> = (0..split.n() as u32).collect();
        Tokens::new(split.embeddings()).batch(&windows, device)
    }

    fn forward(&self, tokens: &Tensor) -> Result<Tensor> {
        let (_, batch, count, dim) = tokens.dims4()?;
        let pooled = self.attend(&tokens.broadcast_as((self.fits, batch, count, dim))?.contiguous()?)?;
        let [scale, shift] = &self.norm2;
        let [one, zero] = &self.plain;
        let normalised = layer_norm(&pooled, one, zero, EPSILON)?.broadcast_mul(scale)?.broadcast_add(shift)?;
        let hidden = gelu(&self.fc1.forward(&normalised)?)?;
        self.linear.forward(&(pooled + self.fc2.forward(&hidden)?)?)
    }
}
