//! `cargo test --release`: what `physrep-bench check` tries, in this process.

physrep_plugin_api::conformance!(my_method::MyMethod);
