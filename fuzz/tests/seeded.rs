//! Every target returns on mutations of valid inputs; `state_dict.pth` has two tensors, in the form of `torch.save`. `PHYSREP_FUZZ_RUNS` and `PHYSREP_FUZZ_SEED` choose how many, and which.

use std::{
    env,
    io::{Cursor, Write},
    panic,
};

use physrep_fuzz::{TARGETS, mutate};
use physrep_random::Stream;
use safetensors::{Dtype, serialize, tensor::TensorView};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// Valid inputs, or nearly so, of a target.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let suites = ["first", "tiny", "small", "paper"].map(|suite| format!("../benchmarks/suites/{suite}.toml"));
    match target {
        "suite_toml" => suites.iter().map(|path| std::fs::read(path).expect("a suite")).collect(),
        "cell_event" => vec![
            br#"{"event":"progress","phase":"pretrain","done":3,"total":9,"loss":0.5,"clips_per_second":12.0}"#
                .to_vec(),
            br#"{"event":"done"}"#.to_vec(),
            br#"{"event":"failed","reason":"it broke"}"#.to_vec(),
        ],
        "external_message" => vec![
            br#"{"id":1,"ok":{"protocol":1,"software":{"python":"3.11"}}}"#.to_vec(),
            br#"{"id":2,"ok":{}}"#.to_vec(),
            br#"{"id":3,"ok":{"loss":0.5,"learning_rate":1e-3}}"#.to_vec(),
            br#"{"id":4,"ok":{"tokens":{"dtype":"float32","shape":[16,4,8],"offset":64}}}"#.to_vec(),
            br#"{"id":5,"ok":{"arrays":[{"name":"a","array":{"dtype":"bool","shape":[],"offset":0}}]}}"#.to_vec(),
            br#"{"id":6,"ok":{"arrays":[{"name":"a","array":{"dtype":"int8","shape":[9],"offset":0}}],"encoder":["a"]}}"#
                .to_vec(),
            br#"{"id":7,"error":{"kind":"config","message":"no key"}}"#.to_vec(),
            br#"{"metric":{"name":"norm","step":2,"value":1.5}}"#.to_vec(),
            br#"{"log":{"level":"info","message":"slow"}}"#.to_vec(),
        ],
        "packed_header" => vec![packed_header()],
        "pth" => vec![include_bytes!("state_dict.pth").to_vec()],
        "hdf5_attributes" => vec![(0..96).collect()],
        "embeddings_npz" => vec![npz()],
        "embeddings_safetensors" => vec![safetensors()],
        other => panic!("no corpus for {other}"),
    }
}

/// Embeddings of two windows, as `numpy.savez` writes them.
fn npz() -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, dtype, shape, length) in [("identifiers.npy", "<i8", "(2,)", 16), ("tokens.npy", "<f4", "(2, 1, 3)", 24)]
    {
        let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let values = (0..length).collect::<Vec<u8>>();
        archive.start_file(name, options).expect("a new file");
        let parts: [&[u8]; 4] =
            [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes(), header.as_bytes(), &values];
        parts.iter().try_for_each(|part| archive.write_all(part)).expect("memory does not fail");
    }
    archive.finish().expect("memory does not fail").into_inner()
}

/// Embeddings of two windows in a safetensors file.
fn safetensors() -> Vec<u8> {
    let bytes: Vec<u8> = (0..24).collect();
    let views = [
        ("identifiers", TensorView::new(Dtype::I64, vec![2], &bytes[..16]).expect("the shape fits")),
        ("tokens", TensorView::new(Dtype::F32, vec![2, 1, 3], &bytes).expect("the shape fits")),
    ];
    serialize(views, None).expect("two tensors")
}

/// A packed file without trajectories.
fn packed_header() -> Vec<u8> {
    let axis = r#"{"name":"x","boundary":"periodic","coordinates":[0.0,0.5]}"#;
    let json = format!(
        r#"{{"format":4,"system":"waves","suite":"tiny","suite_version":1,"source":"","checksum":"","channels":[{{"name":"h","field":"h","rank":"scalar","component":0,"constant":false,"stats":{{"mean":0.0,"std":1.0,"rms":1.0,"mean_delta":0.0,"std_delta":1.0,"rms_delta":1.0}}}}],"frames":2,"axes":[{axis},{axis}],"dt":1.0,"scalings":[],"splits":{{"train":{{"start":0,"end":0}},"valid":{{"start":0,"end":0}},"test":{{"start":0,"end":0}},"held_out":{{"start":0,"end":0}}}},"trajectories":[]}}"#
    );
    let length = (json.len() as u64).to_le_bytes();
    let mut bytes = [b"PHYSPACK".as_slice(), &length, &[0; 32], json.as_bytes()].concat();
    bytes.resize(bytes.len().next_multiple_of(4096), 0);
    bytes
}

#[test]
fn every_target_returns_on_mutated_inputs() {
    let (runs, seed) = (setting("PHYSREP_FUZZ_RUNS", 2000), setting("PHYSREP_FUZZ_SEED", 0));
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        // Files are slower than bytes.
        let runs = if matches!(name, "pth" | "hdf5_attributes" | "embeddings_npz" | "embeddings_safetensors") {
            runs.div_ceil(10)
        } else {
            runs
        };
        for run in 0..runs {
            let mut stream = Stream::new(seed, name, run);
            let input = &corpus[stream.below(corpus.len())];
            let mutated = mutate(input, &mut stream);
            let returned = panic::catch_unwind(|| target(&mutated));
            assert!(
                returned.is_ok(),
                "{name}: run {run} of seed {seed} panicked on {:?}",
                mutated.escape_ascii().to_string()
            );
        }
    }
}
