//! `cargo fuzz run hdf5_attributes`
#![no_main]
#![allow(missing_docs)]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| physrep_fuzz::hdf5_attributes(bytes));
