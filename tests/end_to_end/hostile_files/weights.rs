//! Weights, clips and embeddings.

use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
    sync::LazyLock,
};

use safetensors::{Dtype, serialize, tensor::TensorView};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    changes, places, rounds,
    trial::{Trials, find, replace},
};
use crate::support::{Array, JEPA, Random, Suite, fixture, micro_run, python, shared_folder, write_tensors};

fn commands_that_encode(checkpoint: &str) -> Vec<Vec<String>> {
    let plugin = JEPA.argument();
    let command = ["encode", "--method", "jepa", "--plugins", &plugin, "--checkpoint", checkpoint];
    // Those of the micro suite.
    let network = ["--set", "dims=4,4,8,8,8", "--set", "num_res_blocks=1,1,1,1,1"];
    let rest = ["--input", "clips.safetensors", "--output", "embeddings.safetensors"];
    vec![command.iter().chain(&network).chain(&rest).map(|argument| argument.to_string()).collect()]
}

/// Clips for the encoder of the micro suite.
fn clips(path: &Path) {
    write_tensors(path, "input", &Array::zeros(&[2, 4, 16, 16, 32]));
}

/// Changes a file that `encode` or `score` reads; `other` writes what is beside it.
fn changed(
    kind: &'static str,
    file: &'static str,
    hostile: impl Fn(u64, &mut Random) -> Vec<u8>,
    other: impl Fn(&Path),
    commands: &[Vec<String>],
) {
    let mut trials = Trials::of(kind);
    for round in 0..rounds() {
        let hostile = hostile(round, &mut Random::of(kind, round));
        let prepare = |folder: &Path| {
            other(folder);
            replace(&folder.join(file), &hostile);
        };
        trials.run(&format!("file {round}"), prepare, commands.iter().cloned());
    }
    for (what, place) in places::ALL.into_iter().take(rounds() as usize) {
        let prepare = |folder: &Path| {
            other(folder);
            places::put(&folder.join(file), place);
        };
        trials.run(what, prepare, commands.iter().cloned());
    }
    trials.end();
}

/// The weights of the micro run.
fn state() -> Vec<u8> {
    fs::read(find(&micro_run(0).join("cells/shear_flow/jepa"), "state.safetensors")).expect("readable")
}

#[test]
fn safetensors_of_weights() {
    let state = state();
    let hostile = |_: u64, random: &mut Random| changes::bytes(&state, random);
    let other = |folder: &Path| clips(&folder.join("clips.safetensors"));
    changed("weights.safetensors", "weights.safetensors", hostile, other, &commands_that_encode("weights.safetensors"));
}

#[test]
fn clips_to_encode() {
    let folder = tempfile::tempdir().expect("a folder");
    clips(&folder.path().join("clips"));
    let bytes = fs::read(folder.path().join("clips")).expect("readable");
    let state = state();
    let hostile = |_: u64, random: &mut Random| changes::bytes(&bytes, random);
    let other = |folder: &Path| fs::write(folder.join("weights.safetensors"), &state).expect("writable");
    changed("clips.safetensors", "clips.safetensors", hostile, other, &commands_that_encode("weights.safetensors"));
}

/// A checkpoint as PyTorch writes it, if there is a Python to write one.
fn checkpoint() -> Option<&'static Vec<u8>> {
    static CHECKPOINT: LazyLock<Option<Vec<u8>>> = LazyLock::new(|| {
        let folder = shared_folder().join("torch");
        fs::create_dir_all(&folder).expect("writable");
        fs::write(folder.join("state.safetensors"), state()).expect("writable");
        let script = fixture("programs/torch_files.py");
        let mut python = python("zipfile")?;
        let status = python.arg(script).args(["state.safetensors", "."]).current_dir(&folder).status();
        assert!(status.expect("it runs").success());
        let files = crate::support::files_below(&folder.join("good"));
        let (_, smallest) = files.into_iter().min_by_key(|(_, file)| file.metadata().map_or(u64::MAX, |m| m.len()))?;
        Some(fs::read(smallest).expect("readable"))
    });
    CHECKPOINT.as_ref()
}

#[test]
fn checkpoints_of_pytorch() {
    let Some(whole) = checkpoint() else { return };
    let hostile = |round: u64, random: &mut Random| match round % 4 {
        3 => zip(&[("archive/data.pkl", &b"(".repeat(60 << 20)), ("archive/byteorder", b"little")]),
        _ => changes::bytes(whole, random),
    };
    let other = |folder: &Path| clips(&folder.join("clips.safetensors"));
    changed("weights.pth", "weights.pth", hostile, other, &commands_that_encode("weights.pth"));
}

/// An archive of these members, not compressed.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in members {
        archive.start_file(*name, options).expect("a new file");
        archive.write_all(bytes).expect("memory does not fail");
    }
    archive.finish().expect("memory does not fail").into_inner()
}

/// An array of numpy with this header.
fn npy(dtype: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), values].concat()
}

fn commands_that_score(file: &str) -> Vec<Vec<String>> {
    let [suite, data] = [Suite::Micro.path(), Suite::Micro.data().to_owned()].map(|path| path.display().to_string());
    let command = ["score", file, "--name", "elsewhere", "--suite", &suite, "--data", &data, "--out", "out"];
    vec![command.map(String::from).to_vec()]
}

#[test]
fn npz_of_embeddings() {
    let values: Vec<u8> = (0..24).collect();
    let member = |dtype: &str, shape: &str| npy(dtype, shape, &values);
    let whole = |tokens: &str| {
        let (identifiers, tokens) = (member("<i8", "(2,)"), member("<f4", tokens));
        zip(&[("identifiers.npy", &identifiers), ("tokens.npy", &tokens)])
    };
    let hostile = |round: u64, random: &mut Random| match round % 4 {
        0 => whole(random.pick::<&str>(&[
            "(4611686018427387904, 4, 8)",
            "(-1, 2, 3)",
            "(2, 1, 99999999999999999999)",
            "()",
        ])),
        1 => {
            zip(&[("identifiers.npy", &npy("<i8", "(2,)", &[])), ("tokens.npy", &npy("<f4", &"(".repeat(60_000), &[]))])
        }
        _ => changes::bytes(&whole("(2, 1, 3)"), random),
    };
    changed("embeddings.npz", "shear_flow.npz", hostile, |_| (), &commands_that_score("shear_flow.npz"));
}

#[test]
fn safetensors_of_embeddings() {
    let bytes: Vec<u8> = (0..24).collect();
    let views = [
        ("identifiers", TensorView::new(Dtype::I64, vec![2], &bytes[..16]).expect("the shape fits")),
        ("tokens", TensorView::new(Dtype::F32, vec![2, 1, 3], &bytes).expect("the shape fits")),
    ];
    let whole = serialize(views, None).expect("two tensors");
    let hostile = |_: u64, random: &mut Random| changes::bytes(&whole, random);
    let commands = commands_that_score("shear_flow.safetensors");
    changed("embeddings.safetensors", "shear_flow.safetensors", hostile, |_| (), &commands);
}
