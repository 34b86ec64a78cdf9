//! Finished runs that several tests read. A test that changes one takes a copy.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use super::{HOSTILE, JEPA, Suite, TestProject, shared_folder::shared_folder};

/// A run of JEPA and the floors on the micro suite with one thread, and the seed given: 0 or 1.
pub fn micro_run(seed: usize) -> &'static Path {
    static RUNS: [LazyLock<PathBuf>; 2] = [LazyLock::new(|| run_micro("0")), LazyLock::new(|| run_micro("1"))];
    &RUNS[seed]
}

fn run_micro(seed: &str) -> PathBuf {
    let out = shared_folder().join(format!("micro-{seed}"));
    let project = TestProject::new();
    let more = ["--seeds", seed, "--threads", "1", "--jobs", "2"];
    project.run(project.all(Suite::Micro, JEPA, &out.display().to_string(), &more)).exits_with(0);
    out
}

/// A run on two systems with two seeds and two label fractions, in which one method fails.
pub fn report_run() -> &'static Path {
    static RUN: LazyLock<PathBuf> = LazyLock::new(|| {
        let out = shared_folder().join("report");
        let project = TestProject::new();
        let fractions = "[probe]\nlabel_fractions = [0.5, 1]\n\n[probe.attentive]";
        let text = Suite::Pair.text().replacen("[probe.attentive]", fractions, 1);
        let more = ["--seeds", "0,1", "--plugins", &HOSTILE.argument(), "--set", "hostile.fault=panic", "--jobs", "2"];
        let arguments = project.all(Suite::Pair, JEPA, &out.display().to_string(), &more);
        project.run(project.with_suite(arguments, "pair.toml", &text)).exits_with(3);
        out
    });
    &RUN
}
