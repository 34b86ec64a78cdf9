//! Tests of the dataloader, host-to-device prefetch, loading of plugins and the probe library, with packed files and a mock CUDA driver.

mod plugin;
mod prefetch;
mod probe_library;
mod staging;

#[path = "../../../../tests/support/mock_driver.rs"]
mod mock_driver;
#[path = "../../../../tests/support/packed_file.rs"]
mod packed_file;
