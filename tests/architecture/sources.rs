//! What a crate's code names. Code under `#[cfg(test)]` does not count.

use std::path::Path;

use crate::modules::read_crate;

/// The macros that write to the terminal.
const PRINTS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// The places where the crate with the root file `root` prints, as `file:line: macro`.
pub fn prints(root: &Path) -> Vec<String> {
    find(root, |path| path.last().is_some_and(|last| PRINTS.contains(&last.as_str())))
}

/// The places where the crate with the root file `root` names a path that begins with `prefix`.
pub fn names(root: &Path, prefix: &[&str]) -> Vec<String> {
    find(root, |path| path.len() >= prefix.len() && path.iter().zip(prefix).all(|(segment, wanted)| segment == wanted))
}

fn find(root: &Path, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for module in read_crate(root).values().flatten() {
        let imports = module.imports.iter().map(|import| (&import.path, import.line));
        let mentions = module.mentions.iter().map(|mention| (&mention.segments, mention.line));
        let places = imports.chain(mentions).filter(|(path, _)| wanted(path));
        found.extend(places.map(|(path, line)| format!("{}:{line}: {}", module.file.display(), path.join("::"))));
    }
    found
}

#[test]
fn prints_and_paths_are_found_and_tests_do_not_count() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("lib.rs");
    let code = "use std::{io, process::Command};
/// println!(\"in a comment\")
pub fn f() { log!(\"println\"); eprintln!(\"{}\", 'x'); }
#[cfg(test)]
mod tests { fn g() { println!() } }
";
    std::fs::write(&root, code).expect("writable");
    assert_eq!(prints(&root), [format!("{}:3: eprintln", root.display())]);
    assert_eq!(names(&root, &["std", "process"]), [format!("{}:1: std::process::Command", root.display())]);
}
