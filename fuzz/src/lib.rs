#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod hdf5_attributes;
mod mutation;

use std::{fs, path::Path};

use physrep_benchmarks::{packed::PackedHeader, suite::Suite};
use physrep_external::{
    answer::{Done, Hello, Line, Parameters, State, Tokens, Trained, parse},
    array::Array,
};
use physrep_runner::{CellEvent, ReturnedEmbeddings, read_weights};

pub use hdf5_attributes::hdf5_attributes;
pub use mutation::mutate;

/// A function of bytes that must return.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 8] = [
    ("packed_header", packed_header),
    ("pth", pth),
    ("hdf5_attributes", hdf5_attributes),
    ("suite_toml", suite_toml),
    ("cell_event", cell_event),
    ("external_message", external_message),
    ("embeddings_npz", embeddings_npz),
    ("embeddings_safetensors", embeddings_safetensors),
];

/// Parses the header of a packed file, as it is and with the digest that it should have.
pub fn packed_header(bytes: &[u8]) {
    let _ = PackedHeader::parse(Path::new("fuzzed"), bytes);
    let mut bytes = bytes.to_vec();
    let Some((preamble, rest)) = bytes.split_first_chunk_mut::<48>() else { return };
    let length = u64::from_le_bytes(std::array::from_fn(|i| preamble[8 + i]));
    if let Some(json) = usize::try_from(length).ok().and_then(|length| rest.get(..length)) {
        preamble[16..].copy_from_slice(blake3::hash(json).as_bytes());
        let _ = PackedHeader::parse(Path::new("fuzzed"), &bytes);
    }
}

/// Parses a checkpoint of PyTorch.
pub fn pth(bytes: &[u8]) {
    with_file("fuzzed.pth", bytes, |path| drop(read_weights(path)));
}

/// Parses embeddings that someone hands back, as numpy writes them.
pub fn embeddings_npz(bytes: &[u8]) {
    with_file("fuzzed.npz", bytes, |path| drop(ReturnedEmbeddings::read(path)));
}

/// Parses embeddings that someone hands back in a safetensors file.
pub fn embeddings_safetensors(bytes: &[u8]) {
    with_file("fuzzed.safetensors", bytes, |path| drop(ReturnedEmbeddings::read(path)));
}

/// Calls a function of a file with these bytes.
fn with_file(name: &str, bytes: &[u8], read: impl Fn(&Path)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a small file");
    read(&path);
}

/// Parses a suite file.
pub fn suite_toml(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Suite::parse(text, "fuzzed");
    }
}

/// Parses a line that the process of a cell wrote.
pub fn cell_event(bytes: &[u8]) {
    let _ = CellEvent::parse(bytes);
}

/// Parses a line that the program of a method wrote, as an answer to each call, and checks its arrays.
pub fn external_message(bytes: &[u8]) {
    let check = |array: &Array| drop(array.bytes(1 << 30, 1 << 20));
    let _ = parse::<Hello>(bytes);
    let _ = parse::<Done>(bytes);
    let _ = parse::<Trained>(bytes);
    if let Ok(Line::Answer(_, Ok(Tokens { tokens }))) = parse(bytes) {
        check(&tokens);
    }
    if let Ok(Line::Answer(_, Ok(State { arrays }))) = parse(bytes) {
        arrays.iter().for_each(|named| check(&named.array));
    }
    if let Ok(Line::Answer(_, Ok(Parameters { arrays, .. }))) = parse(bytes) {
        arrays.iter().for_each(|named| check(&named.array));
    }
}
