//! `cargo fuzz run external_message`
#![no_main]
#![allow(missing_docs)]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| physrep_fuzz::external_message(bytes));
