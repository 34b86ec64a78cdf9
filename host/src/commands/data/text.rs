//! Formats counts, sizes and paths as text.

use std::{fmt::Display, path::Path};

use physrep_benchmarks::printable::one_line;

use crate::output::say;

/// Prints a line.
pub(super) fn print_line(line: impl Display) {
    say!("{line}");
}

/// `1 file`, `2 files`, `2 trajectories`.
pub(super) fn counted(number: usize, name: &str) -> String {
    match (number, name.strip_suffix('y')) {
        (1, _) => format!("1 {name}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {name}s"),
    }
}

/// `512 B`, `1.5 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64;
    let mut unit = "B";
    for next in units {
        if size < 1024.0 {
            break;
        }
        (size, unit) = (size / 1024.0, next);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") }
}

/// A path as text on one line.
pub(super) fn path_line(path: &Path) -> String {
    one_line(&path.to_string_lossy())
}
