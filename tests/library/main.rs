//! Tests of the program's library, until its modules are crates: each file moves to the crate of the module that it names.

mod loader;
mod plugin;
mod show;
mod staging;

#[path = "../support/mock_driver.rs"]
mod mock_driver;
#[path = "../support/packed_file.rs"]
mod packed_file;
#[path = "../end_to_end/support/picture.rs"]
mod picture;
