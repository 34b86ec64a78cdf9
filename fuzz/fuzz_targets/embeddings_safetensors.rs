//! `cargo fuzz run embeddings_safetensors`
#![no_main]
#![allow(missing_docs)]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| physrep_fuzz::embeddings_safetensors(bytes));
