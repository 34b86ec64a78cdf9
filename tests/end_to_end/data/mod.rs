//! `data` commands: generated, downloaded and hostile files.

pub mod fetch;
mod foreign_files;
mod generate;
mod info;
mod show;
mod verify;

use std::path::PathBuf;

use crate::support::{Suite, TestProject};

/// Generates the data of the micro suite in `data`; gives the system's folder.
fn generate_micro(project: &TestProject) -> PathBuf {
    let suite = Suite::Micro.path().display().to_string();
    project.run(["data", "generate", "shear_flow", "--suite", &suite, "--out", "data"]).exits_with(0);
    project.path("data/shear_flow")
}
