//! The gradient of a loss reaches every parameter of every layer.

use candle_core::{DType, Device, Result, Tensor};
use physrep_nn::{
    AdamW, AdamWConfig, Axis, Conv, ConvNextBlock, CrossAttention, LayerNorm, Linear, Params, TransformerBlock,
};

use crate::support::normal;

/// A network of all layers: clips `(B, T, H, W, 2)` to three values each.
pub struct Network {
    stem: Conv,
    block: ConvNextBlock,
    down: Conv,
    flat: ConvNextBlock,
    norm: LayerNorm,
    attend: TransformerBlock,
    pool: CrossAttention,
    head: Linear,
    query: Tensor,
}

impl Network {
    pub fn new(params: &Params) -> Result<Self> {
        let same = Axis::same(4);
        Ok(Self {
            stem: Conv::new(2, 16, &[Axis::same(1), same, same], params.pp("stem"))?,
            block: ConvNextBlock::new(16, &[7, 7, 7], 1e-6, params.pp("block"))?,
            down: Conv::new(16, 20, &[Axis::patches(2); 3], params.pp("down"))?,
            flat: ConvNextBlock::new(20, &[7, 7], 1e-6, params.pp("flat"))?,
            norm: LayerNorm::new(20, 1e-6, params.pp("norm"))?,
            attend: TransformerBlock::new(20, 5, 1e-6, params.pp("attend"))?,
            pool: CrossAttention::new(20, 4, params.pp("pool"))?,
            head: Linear::new(20, 3, params.pp("head"))?,
            query: params.get((1, 1, 20), "query", physrep_nn::Init::Normal { std: 1.0 })?,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.block.forward(&self.stem.forward(x)?)?;
        let x = self.down.forward(&x)?.squeeze(1)?;
        let x = self.norm.forward(&self.flat.forward(&x)?)?;
        let (b, _, _, c) = x.dims4()?;
        let tokens = self.attend.forward(&x.reshape((b, (), c))?)?;
        let query = self.query.broadcast_as((b, 1, c))?;
        self.head.forward(&self.pool.forward(&query, &tokens)?)?.squeeze(1)
    }
}

#[test]
fn reaches_every_parameter() {
    let params = Params::new(DType::F64, &Device::Cpu, 1);
    let network = Network::new(&params).unwrap();
    let y = network.forward(&normal((2, 2, 9, 8, 2), 1)).unwrap();
    assert_eq!(y.dims(), [2, 3]);
    let store = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
    for (name, var) in params.named() {
        let gradient = store.get(&var).unwrap_or_else(|| panic!("{name} got no gradient"));
        let size = gradient.abs().unwrap().max_all().unwrap();
        // A shift of all keys cancels in the softmax.
        let invisible = name == "pool.kv.bias";
        assert!(size.to_scalar::<f64>().unwrap() > 0.0 || invisible, "{name} got zeros");
    }
    let mut optimizer = AdamW::new(params.named(), AdamWConfig::default()).unwrap();
    optimizer.step(&store, 1e-3).unwrap();
}

#[test]
fn the_optimizer_detects_a_layer_that_is_cut_off() {
    let params = Params::new(DType::F64, &Device::Cpu, 1);
    let layer = Linear::new(3, 3, params.clone()).unwrap();
    let cut = layer.forward(&normal((2, 3), 1)).unwrap().detach();
    let store = cut.sum_all().unwrap().backward().unwrap();
    let mut optimizer = AdamW::new(params.named(), AdamWConfig::default()).unwrap();
    let error = optimizer.step(&store, 1e-3).unwrap_err().to_string();
    assert!(error.contains("no gradient: bias; weight"), "{error}");
}
