//! `encode` reproduces the paper's code, and rejects files that it cannot use.

use std::{env, path::PathBuf};

use crate::support::{Array, JEPA, Output, Plugin, TestProject, VIDEOMAE, distance, read_tensors, write_tensors};

/// The folder of reference vectors, if the environment names one.
fn vectors() -> Option<PathBuf> {
    let folder = env::var_os("PHYSREP_REFERENCE_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        println!("SKIPPED: PHYSREP_REFERENCE_VECTORS names no folder");
    }
    folder
}

/// Encodes `input.safetensors` with a checkpoint, into `output.safetensors`.
fn encode(project: &TestProject, method: &str, plugin: Plugin, set: &[&str], checkpoint: &str) -> Output {
    let library = plugin.argument();
    let files = ["--input", "input.safetensors", "--output", "output.safetensors", "--checkpoint", checkpoint];
    let arguments = ["encode", "--method", method, "--plugins", &library].into_iter().chain(files);
    project.run(arguments.chain(set.iter().flat_map(|setting| ["--set", setting])))
}

/// `(B, D, H, W)` as tokens `(B, H * W, D)`.
fn tokens(map: &Array) -> Vec<f32> {
    let [b, d, h, w] = *map.shape.as_slice() else { panic!("(B, D, H, W), not {:?}", map.shape) };
    let mut tokens = Vec::with_capacity(map.values.len());
    for batch in 0..b {
        for point in 0..h * w {
            tokens.extend((0..d).map(|channel| map.values[(batch * d + channel) * h * w + point]));
        }
    }
    tokens
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
            let project = TestProject::new();
            let expected = read_tensors(&vectors.join(format!("{name}_io.safetensors")));
            write_tensors(&project.path("input.safetensors"), "input", &expected[input]);
            let checkpoint = vectors.join(format!("{name}_ConvEncoder.{extension}"));
            let set = [format!("dims={dims}"), format!("num_res_blocks={blocks}")];
            encode(&project, "jepa", JEPA, &[&set[0], &set[1]], &checkpoint.display().to_string()).exits_with(0);
            let found = read_tensors(&project.path("output.safetensors"));
            let distance = distance(&found["embedding"].values, &tokens(&expected[output]));
            assert!(distance <= 1e-5, "{name}.{extension}: relative distance {distance:e}");
        }
    }
}

#[test]
fn the_papers_vision_transformer_gives_the_papers_tokens() {
    let Some(vectors) = vectors() else { return };
    for checkpoint in ["vit_img64.safetensors", "vit_img64_videomae_checkpoint.pth"] {
        let project = TestProject::new();
        let expected = read_tensors(&vectors.join("vit_img64_io.safetensors"));
        write_tensors(&project.path("input.safetensors"), "input", &expected["input"]);
        let set = ["dim=48", "depth=2", "heads=6", "patch=16", "decoder={ dim = 24, depth = 1, heads = 3 }"];
        let path = vectors.join(checkpoint).display().to_string();
        encode(&project, "videomae", VIDEOMAE, &set, &path).exits_with(0);
        let found = read_tensors(&project.path("output.safetensors"));
        assert_eq!(found["embedding"].shape, expected["patch_embeddings"].shape);
        let distance = distance(&found["embedding"].values, &expected["patch_embeddings"].values);
        assert!(distance <= 5e-6, "{checkpoint}: relative distance {distance:e}");
    }
}

#[test]
fn files_that_cannot_be_used_are_named_with_the_reason() {
    let project = TestProject::new();
    let clips = Array::zeros(&[1, 2, 16, 16, 16]);
    write_tensors(&project.path("input.safetensors"), "input", &clips);
    let set = ["dims=[4,4,4,4,4]", "num_res_blocks=[1,1,1,1,1]"];
    let error = |set: &[&str], checkpoint: &str| encode(&project, "jepa", JEPA, set, checkpoint).exits_with(1).err;

    let message = error(&set, "nowhere.safetensors");
    assert!(message.contains("nowhere.safetensors"), "{message}");

    project.write("text.safetensors", "no tensors");
    let message = error(&set, "text.safetensors");
    assert!(message.contains("text.safetensors") && message.contains("expected weights"), "{message}");

    project.write("text.pth", "no tensors");
    let message = error(&set, "text.pth");
    assert!(message.contains("text.pth"), "{message}");

    // Weights of another network.
    write_tensors(&project.path("other.safetensors"), "stem.weight", &clips);
    let message = error(&set, "other.safetensors");
    assert!(message.contains("downsample_layers.0.0"), "a missing key is named:\n{message}");

    let message = error(&["dims=[4,4]"], "other.safetensors");
    assert!(message.contains("dims"), "{message}");

    write_tensors(&project.path("input.safetensors"), "clip", &clips);
    let message = error(&set, "other.safetensors");
    assert!(message.contains("no tensor `input`"), "{message}");
}
