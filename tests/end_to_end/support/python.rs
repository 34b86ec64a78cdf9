//! Python, for what other programs read of ours.

use std::{env, process::Command};

/// A Python that has the modules: `PHYSREP_PYTHON`, or `python3`. Without one, prints that the test is skipped and gives `None`.
pub fn python(modules: &str) -> Option<Command> {
    let program = env::var_os("PHYSREP_PYTHON").unwrap_or_else(|| "python3".into());
    let import = format!("import {modules}");
    let has = Command::new(&program).args(["-c", &import]).output().is_ok_and(|output| output.status.success());
    if !has {
        println!("SKIPPED: {} cannot {import}", program.display());
    }
    has.then(|| Command::new(program))
}
