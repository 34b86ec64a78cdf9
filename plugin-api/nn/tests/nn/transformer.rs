//! The transformer block against the paper's VideoMAE encoder.

use candle_core::{DType, Device, Tensor};
use physrep_nn::{Axis, Conv, LayerNorm, Params, TransformerBlock, sincos_positions};

use crate::support::{assert_close, channels_last, check_gradients, normal, reference};

#[test]
fn an_encoder_made_of_it_agrees() {
    let Some(weights) = reference("vit_img64.safetensors") else {
        return;
    };
    let vectors = reference("vit_img64_io.safetensors").unwrap();
    let params = Params::new(DType::F32, &Device::Cpu, 0);
    let patches = [Axis::patches(2), Axis::patches(16), Axis::patches(16)];
    let embed = Conv::new(4, 48, &patches, params.pp("patch_embed.proj")).unwrap();
    let block = |i| TransformerBlock::new(48, 6, 1e-6, params.pp("blocks").pp(i)).unwrap();
    let blocks = [block(0), block(1)];
    let norm = LayerNorm::new(48, 1e-6, params.pp("norm")).unwrap();
    params.load(&weights).unwrap();

    let tokens = embed.forward(&channels_last(&vectors["input"])).unwrap().flatten(1, 3).unwrap();
    assert_close(&tokens, &vectors["patch_tokens"], 2e-6, "patches");
    let positions = sincos_positions(64, 48, DType::F32, &Device::Cpu).unwrap();
    assert_close(&positions, &vectors["pos_embed"], 1e-6, "positions");
    let mut x = tokens.broadcast_add(&positions).unwrap();
    for block in &blocks {
        x = block.forward(&x).unwrap();
    }
    assert_close(&norm.forward(&x).unwrap(), &vectors["patch_embeddings"], 1e-5, "embeddings");
}

#[test]
fn gradients_agree_with_differences() {
    let params = Params::new(DType::F64, &Device::Cpu, 2);
    let block = TransformerBlock::new(6, 2, 1e-6, params.clone()).unwrap();
    // Large weights, so that the attention is far from uniform.
    for (i, (_, var)) in params.named().into_iter().enumerate() {
        var.set(&normal(var.shape(), 10 + i as u64)).unwrap();
    }
    check_gradients(&[normal((2, 5, 6), 1)], |t: &[Tensor]| block.forward(&t[0]));
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    for dims in [[2, 53, 32], [1, 200, 192]] {
        crate::gpu::block_agrees(&format!("{dims:?}"), &dims, |params, x| {
            TransformerBlock::new(dims[2], 4, 1e-6, params.clone())?.forward(x)
        });
    }
}
