//! `cargo fuzz run suite_toml`
#![no_main]
#![allow(missing_docs)]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| physrep_fuzz::suite_toml(bytes));
