//! The Well's own reader and format checker accept what this crate writes.
//!
//! ```text
//! python3 -m venv venv && venv/bin/pip install the-well
//! PHYSREP_WELL_PYTHON=venv/bin/python PHYSREP_WELL_CHECKER=check_thewell_formatting.py \
//!     cargo test --release -p physrep-benchmarks --test benchmarks official -- --ignored
//! ```
//!
//! The checker is `scripts/check_thewell_formatting.py` of PolymathicAI/the_well.

use std::fs;
use std::process::Command;

use physrep_benchmarks::Split;
use physrep_benchmarks::generate::generate;
use physrep_benchmarks::well::split_files;

use crate::support::{Waves, every_window, packed, suite, suite_with};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; see the head of this file"))
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complaints) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && complaints.is_empty(), "{command:?}\n{said}{complaints}");
    said
}

#[test]
#[ignore = "needs the-well and its format checker"]
fn the_format_checker_has_no_complaint() {
    let (python, checker) = (variable("PHYSREP_WELL_PYTHON"), variable("PHYSREP_WELL_CHECKER"));
    for suite in [suite(), suite_with("dt = 0.1", "dt = 0.1\ngzip = 4").unwrap()] {
        let folder = tempfile::tempdir().unwrap();
        generate(&suite, &Waves::default(), folder.path(), 2, &()).unwrap();
        let mut command = Command::new(&python);
        command.arg(&checker);
        for split in Split::ALL {
            command.args(split_files(folder.path(), "shear_flow", split).unwrap());
        }
        // It says which file it looks at and what passed; what did not is a traceback, and the status is 0 all the same.
        let said = run(&mut command);
        let fine = |line: &&str| line.ends_with("passed!");
        let other = |line: &&str| !line.is_empty() && !line.starts_with("Checking") && !fine(line);
        assert_eq!(said.lines().filter(fine).count(), 18 * 6, "{said}");
        assert_eq!(said.lines().find(other), None, "{said}");
    }
}

/// Every window of every split, raw against the files and normalised against the packed file, bit for bit.
#[test]
#[ignore = "needs the-well and its format checker"]
fn the_wells_reader_gives_the_same_values() {
    let python = variable("PHYSREP_WELL_PYTHON");
    let (folder, packed) = packed();
    for split in Split::ALL {
        let values: Vec<f32> = every_window(&packed, split);
        fs::write(folder.path().join(split.name()), bytemuck::cast_slice(&values)).unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/benchmarks/data/well_official.py");
    let said = run(Command::new(python).arg(script).arg(folder.path()));
    assert!(said.contains("train 108 windows, valid 36 windows, test 72 windows"), "{said}");
}
