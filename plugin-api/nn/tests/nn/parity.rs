//! The paper's own building blocks, run in PyTorch, and ours.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Result, Tensor, Var};
use physrep_nn::{
    AdamW, AdamWConfig, Axis, ConvNextBlock, CrossAttention, Init, LayerNorm, Linear, Params, conv, gelu, layer_norm,
};

use crate::support::{assert_close, channels_last, reference, values};

fn with_prefix(vectors: &HashMap<String, Tensor>, prefix: &str) -> BTreeMap<String, Tensor> {
    let strip = |(name, t): (&String, &Tensor)| Some((name.strip_prefix(prefix)?.to_string(), t.clone()));
    vectors.iter().filter_map(strip).collect()
}

#[test]
fn layers_agree() {
    let Some(vectors) = reference("unit_ops.safetensors") else {
        return;
    };
    let v = |name: &str| &vectors[name];
    let y = layer_norm(&channels_last(v("lncf_in")), v("lncf_w"), v("lncf_b"), 1e-6).unwrap();
    assert_close(&y, &channels_last(v("lncf_out")), 2e-6, "layer norm");
    let axes = [Axis::same(1), Axis::same(4), Axis::same(4)];
    let y = conv(&channels_last(v("stem_in")), v("stem_w"), v("stem_b"), &axes).unwrap();
    assert_close(&y, &channels_last(v("stem_out")), 2e-6, "stem");
    let y = gelu(v("gelu_in")).unwrap();
    assert_close(&y, v("gelu_out"), 1e-6, "gelu");
}

#[test]
fn a_residual_block_and_its_gradients_agree() {
    let Some(vectors) = reference("unit_ops.safetensors") else {
        return;
    };
    let params = Params::new(DType::F32, &Device::Cpu, 0);
    let block = ConvNextBlock::new(6, &[7, 7, 7], 1e-6, params.clone()).unwrap();
    params.load(&with_prefix(&vectors, "rb_p.")).unwrap();
    let x = Var::from_tensor(&channels_last(&vectors["rb_in"])).unwrap();
    let y = block.forward(&x).unwrap();
    assert_close(&y, &channels_last(&vectors["rb_out"]), 1e-5, "output");
    let outer = channels_last(&vectors["rb_grad_out"]);
    let store = (y * outer).unwrap().sum_all().unwrap().backward().unwrap();
    let expected = channels_last(&vectors["rb_grad_in"]);
    assert_close(store.get(&x).unwrap(), &expected, 1e-5, "gradient of the input");
    let expected = with_prefix(&vectors, "rb_g.");
    for (name, var) in params.named() {
        assert_close(store.get(&var).unwrap(), &expected[&name], 1e-5, &name);
    }
}

/// The paper's attentive classifier, from the blocks of this crate.
struct Classifier {
    query: Tensor,
    norm1: LayerNorm,
    attention: CrossAttention,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    linear: Linear,
}

impl Classifier {
    fn new(dim: usize, heads: usize, classes: usize, params: &Params) -> Result<Self> {
        let pooler = params.pp("pooler");
        let block = pooler.pp("cross_attention_block");
        Ok(Self {
            query: pooler.get((1, 1, dim), "query_tokens", Init::TruncNormal { std: 0.02 })?,
            norm1: LayerNorm::new(dim, 1e-5, block.pp("norm1"))?,
            attention: CrossAttention::new(dim, heads, block.pp("xattn"))?,
            norm2: LayerNorm::new(dim, 1e-5, block.pp("norm2"))?,
            fc1: Linear::new(dim, 4 * dim, block.pp("mlp.fc1"))?,
            fc2: Linear::new(4 * dim, dim, block.pp("mlp.fc2"))?,
            linear: Linear::new(dim, classes, params.pp("linear"))?,
        })
    }

    fn pool(&self, tokens: &Tensor) -> Result<Tensor> {
        let (batch, _, dim) = tokens.dims3()?;
        let query = self.query.broadcast_as((batch, 1, dim))?;
        let read = self.attention.forward(&query, &self.norm1.forward(tokens)?)?;
        let query = (query + read)?;
        let hidden = gelu(&self.fc1.forward(&self.norm2.forward(&query)?)?)?;
        (query + self.fc2.forward(&hidden)?)?.squeeze(1)
    }

    fn loss(&self, tokens: &Tensor, labels: &Tensor) -> Result<Tensor> {
        (self.linear.forward(&self.pool(tokens)?)? - labels)?.sqr()?.mean_all()
    }
}

#[test]
fn an_attentive_classifier_trains_alike() {
    let Some(io) = reference("attn_default_io.safetensors") else {
        return;
    };
    let weights = reference("attn_default.safetensors").unwrap();
    let expected = reference("attn_default_grads.safetensors").unwrap();
    let params = Params::new(DType::F32, &Device::Cpu, 0);
    let classifier = Classifier::new(64, 8, 3, &params).unwrap();
    params.load(&weights).unwrap();

    let pooled = classifier.pool(&io["input"]).unwrap();
    assert_close(&pooled, &io["pooled"], 1e-5, "pooled");
    let output = classifier.linear.forward(&pooled).unwrap();
    assert_close(&output, &io["output"], 1e-5, "output");

    let loss = || classifier.loss(&io["input"], &io["labels"]).unwrap();
    let store = loss().backward().unwrap();
    for (name, var) in params.named() {
        assert_close(store.get(&var).unwrap(), &expected[&name], 1e-5, &name);
    }
    let mut optimizer = AdamW::new(params.named(), AdamWConfig::default()).unwrap();
    for expected in [4.018805027008057, 0.300283282995224, 1.0895410776138306, 1.8041340827941895, 1.2295317649841309] {
        let loss = loss();
        let got = values(&loss)[0];
        // Each update amplifies the rounding of the processor.
        assert!((got - expected).abs() < 1e-4 * expected.max(1.0), "{got} {expected}");
        optimizer.step(&loss.backward().unwrap(), 1e-3).unwrap();
    }
}
