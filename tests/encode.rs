//! `physrep-bench encode` reproduces the paper's code, and says what is wrong with files it cannot use.

mod bench;

use std::{collections::HashMap, env, path::PathBuf};

use bench::{Bench, root};
use candle_core::{Device, Tensor, safetensors};

/// The folder of reference vectors, if the environment names one.
fn vectors() -> Option<PathBuf> {
    let folder = env::var_os("PHYSREP_REFERENCE_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: PHYSREP_REFERENCE_VECTORS names no folder");
    }
    folder
}

/// Writes `tensor` as `input` of a file to encode.
fn write_input(bench: &Bench, tensor: &Tensor) {
    let tensors = HashMap::from([("input".to_owned(), tensor.clone())]);
    safetensors::save(&tensors, bench.path("input.safetensors")).expect("writable");
}

fn encode(bench: &Bench, set: &[&str], checkpoint: &str) -> bench::Said {
    encode_with(bench, "jepa", set, checkpoint)
}

fn encode_with(bench: &Bench, method: &str, set: &[&str], checkpoint: &str) -> bench::Said {
    let mut arguments: Vec<String> =
        ["encode", "--method", method, "--input", "input.safetensors"].map(Into::into).into();
    arguments.extend(["--output".into(), "output.safetensors".into(), "--plugins".into()]);
    arguments.push(root().join("plugins").join(method).display().to_string());
    arguments.extend(["--checkpoint".into(), checkpoint.into()]);
    arguments.extend(set.iter().flat_map(|setting| ["--set".to_owned(), (*setting).to_owned()]));
    bench.run(arguments)
}

/// The largest distance of `found`, tokens `(B, H * W, D)`, from `expected`, `(B, D, H, W)`, relative to its largest value.
fn distance(found: &Tensor, expected: &Tensor) -> f32 {
    let expected = expected.flatten(2, 3).and_then(|t| t.transpose(1, 2)).expect("(B, D, H, W)");
    let difference = (found - &expected).and_then(|t| t.abs()?.flatten_all()?.max(0)).expect("same shape");
    let scale = expected.abs().and_then(|t| t.flatten_all()?.max(0)).expect("not empty");
    (difference / scale).and_then(|t| t.to_scalar::<f32>()).expect("a number")
}

#[test]
fn the_papers_checkpoints_give_the_papers_embeddings() {
    let Some(vectors) = vectors() else { return };
    let cases = [
        ("jepa_tiny_gamma", "context", "ctx_embed", "4,6,8,10,12", "2,1,1,2,1"),
        ("enc4f", "input", "output", "8,12,16,20", "1,1,1,1"),
    ];
    for (name, input, output, dims, blocks) in cases {
        for extension in ["safetensors", "pth"] {
            let bench = Bench::new();
            let io = safetensors::load(vectors.join(format!("{name}_io.safetensors")), &Device::Cpu).expect("vectors");
            write_input(&bench, &io[input]);
            let checkpoint = vectors.join(format!("{name}_ConvEncoder.{extension}"));
            let set = [format!("dims={dims}"), format!("num_res_blocks={blocks}")];
            encode(&bench, &[&set[0], &set[1]], &checkpoint.display().to_string()).ended_with(0);
            let found = safetensors::load(bench.path("output.safetensors"), &Device::Cpu).expect("output");
            let distance = distance(&found["embedding"], &io[output]);
            assert!(distance <= 1e-5, "{name}.{extension}: relative distance {distance:e}");
        }
    }
}

#[test]
fn the_papers_vision_transformer_gives_the_papers_tokens() {
    let Some(vectors) = vectors() else { return };
    for checkpoint in ["vit_img64.safetensors", "vit_img64_videomae_checkpoint.pth"] {
        let bench = Bench::new();
        let io = safetensors::load(vectors.join("vit_img64_io.safetensors"), &Device::Cpu).expect("vectors");
        write_input(&bench, &io["input"]);
        let set = ["dim=48", "depth=2", "heads=6", "patch=16", "decoder={ dim = 24, depth = 1, heads = 3 }"];
        encode_with(&bench, "videomae", &set, &vectors.join(checkpoint).display().to_string()).ended_with(0);
        let found = safetensors::load(bench.path("output.safetensors"), &Device::Cpu).expect("output");
        let expected = &io["patch_embeddings"];
        let difference = (&found["embedding"] - expected).and_then(|t| t.abs()?.max_all()).expect("same shape");
        let scale = expected.abs().and_then(|t| t.max_all()).expect("not empty");
        let distance = (difference / scale).and_then(|t| t.to_scalar::<f32>()).expect("a number");
        assert!(distance <= 5e-6, "{checkpoint}: relative distance {distance:e}");
    }
}

#[test]
fn files_that_do_not_fit_are_named_with_the_reason() {
    let bench = Bench::new();
    let clips = Tensor::zeros((1, 2, 16, 16, 16), candle_core::DType::F32, &Device::Cpu).expect("zeros");
    write_input(&bench, &clips);
    let set = ["dims=[4,4,4,4,4]", "num_res_blocks=[1,1,1,1,1]"];

    let said = encode(&bench, &set, "nowhere.safetensors").ended_with(1);
    assert!(said.err.contains("nowhere.safetensors"), "{}", said.err);

    std::fs::write(bench.path("text.safetensors"), "no tensors").expect("writable");
    let said = encode(&bench, &set, "text.safetensors").ended_with(1);
    assert!(said.err.contains("not a safetensors file"), "{}", said.err);

    std::fs::write(bench.path("text.pth"), "no tensors").expect("writable");
    let said = encode(&bench, &set, "text.pth").ended_with(1);
    assert!(said.err.contains("text.pth"), "{}", said.err);

    // Weights of another network.
    let other = HashMap::from([("stem.weight".to_owned(), clips.clone())]);
    safetensors::save(&other, bench.path("other.safetensors")).expect("writable");
    let said = encode(&bench, &set, "other.safetensors").ended_with(1);
    assert!(said.err.contains("downsample_layers.0.0"), "a missing key is named:\n{}", said.err);

    let said = encode(&bench, &["dims=[4,4]"], "other.safetensors").ended_with(1);
    assert!(said.err.contains("dims"), "{}", said.err);

    safetensors::save(&HashMap::from([("clip".to_owned(), clips)]), bench.path("input.safetensors")).expect("writable");
    let said = encode(&bench, &set, "other.safetensors").ended_with(1);
    assert!(said.err.contains("no tensor `input`"), "{}", said.err);
}
