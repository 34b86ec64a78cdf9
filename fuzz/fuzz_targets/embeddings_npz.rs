//! `cargo fuzz run embeddings_npz`
#![no_main]
#![allow(missing_docs)]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| physrep_fuzz::embeddings_npz(bytes));
