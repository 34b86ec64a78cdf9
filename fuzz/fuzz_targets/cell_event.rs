//! `cargo fuzz run cell_event`
#![no_main]
#![allow(missing_docs)]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| physrep_fuzz::cell_event(bytes));
