//! `cargo fuzz run packed_header`
#![no_main]
#![allow(missing_docs)]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| physrep_fuzz::packed_header(bytes));
