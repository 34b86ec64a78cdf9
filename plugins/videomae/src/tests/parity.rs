//! The encoder against the paper's code, run in PyTorch. The reference vectors are read from the folder
//! PHYSREP_REFERENCE_VECTORS.

use std::collections::HashMap;
use std::path::PathBuf;

use physrep_plugin_api::{
    candle_core::{self, DType, Device, Tensor, pickle},
    nn::Params,
};

use super::support::{assert_close, params};
use crate::{
    encoder::Encoder,
    grid::Grid,
    mask::Selection,
    model::{Model, Parts},
    transformer::Shape,
};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("PHYSREP_REFERENCE_VECTORS");
    if folder.is_none() {
        println!("PHYSREP_REFERENCE_VECTORS is not set: nothing compared");
    }
    folder.map(PathBuf::from)
}

fn read(file: PathBuf) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(&file, &Device::Cpu).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// The model whose encoder computed the vectors.
fn parts() -> Parts {
    Parts {
        channels: 4,
        grid: Grid::new(8, [64, 64], 2, Some(16)).unwrap(),
        encoder: Shape { dim: 48, depth: 2, heads: 6 },
        decoder: Shape { dim: 24, depth: 1, heads: 3 },
        mask_ratio: 0.9,
        norm_target: true,
    }
}

/// In the type that the vectors were computed in, and in one in which only their own round-off remains.
#[test]
fn embeddings() {
    let Some(folder) = folder() else { return };
    let io = read(folder.join("vit_img64_io.safetensors"));
    for dtype in [DType::F32, DType::F64] {
        let Parts { channels, grid, encoder: shape, .. } = parts();
        let params = params(dtype, 0);
        let encoder = Encoder::new(channels, &grid, shape, params.clone()).unwrap();
        params.load(&read(folder.join("vit_img64.safetensors"))).unwrap();
        let tubelets = grid.cut(&io["input"].to_dtype(dtype).unwrap()).unwrap();
        let all = Selection::all(&grid, 1, &Device::Cpu).unwrap();
        assert_close(&encoder.forward(&tubelets, &all).unwrap(), &io["patch_embeddings"], 5e-6, &format!("{dtype:?}"));
    }
}

#[test]
fn the_paper_s_checkpoint_loads_by_its_own_names() {
    let Some(folder) = folder() else { return };
    let checkpoint = folder.join("vit_img64_videomae_checkpoint.pth");
    let tensors: HashMap<String, Tensor> =
        pickle::read_all_with_key(checkpoint, Some("model")).unwrap().into_iter().collect();
    let params = params(DType::F32, 0);
    let model = Model::new(parts(), params.clone()).unwrap();
    let encoder = tensors.iter().filter_map(|(name, t)| Some((name.strip_prefix("encoder.")?.to_owned(), t.clone())));
    params.pp("encoder").load(&encoder.collect::<HashMap<_, _>>()).unwrap();
    let io = read(folder.join("vit_img64_io.safetensors"));
    assert_close(&model.encode(&io["input"]).unwrap(), &io["patch_embeddings"], 5e-6, "embeddings");
}

#[test]
fn sizes_of_the_paper() {
    let count = |params: Params| -> usize { params.named().iter().map(|(_, var)| var.elem_count()).sum() };
    for (channels, expected) in [(4, 22_076_544), (11, 23_452_800)] {
        let params = params(DType::F32, 0);
        let grid = Grid::new(16, [224, 224], 2, None).unwrap();
        Encoder::new(channels, &grid, Shape { dim: 384, depth: 12, heads: 6 }, params.clone()).unwrap();
        assert_eq!(count(params), expected);
    }
}

#[test]
fn all_parameters_have_upstream_s_names() {
    let params = params(DType::F32, 0);
    Model::new(Parts { encoder: Shape { dim: 48, depth: 1, heads: 6 }, ..parts() }, params.clone()).unwrap();
    let block = [
        "attn.proj.bias",
        "attn.proj.weight",
        "attn.q_bias",
        "attn.qkv.weight",
        "attn.v_bias",
        "mlp.fc1.bias",
        "mlp.fc1.weight",
        "mlp.fc2.bias",
        "mlp.fc2.weight",
        "norm1.bias",
        "norm1.weight",
        "norm2.bias",
        "norm2.weight",
    ];
    let mut expected: Vec<String> =
        ["encoder", "decoder"].iter().flat_map(|part| block.map(|name| format!("{part}.blocks.0.{name}"))).collect();
    expected.extend(
        ["encoder.norm.bias", "encoder.norm.weight", "decoder.norm.bias", "decoder.norm.weight"].map(Into::into),
    );
    expected.extend(["encoder.patch_embed.proj.bias", "encoder.patch_embed.proj.weight"].map(Into::into));
    expected.extend(
        ["decoder.head.bias", "decoder.head.weight", "encoder_to_decoder.weight", "mask_token"].map(Into::into),
    );
    expected.sort();
    let names: Vec<String> = params.named().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, expected);
}
