//! What crosses between the program and a method's library is published: `abi/published/abi-1.txt` has it, and only grows. A library
//! that was built once is then loaded by every later program of the same major version of the ABI.

#![cfg(target_pointer_width = "64")]

mod comparison;
mod evolution;
mod layout;
mod library;

use std::{env, fs, path::PathBuf};

use comparison::{additions, changes};
use physrep_abi::{ABI_MAJOR, ABI_MINOR};

/// Set to record what was added.
const RECORD: &str = "PHYSREP_RECORD_ABI";

/// The first lines of the file.
const HEADER: &str = "\
# What crosses between physrep-bench and a method's library. Entries are added and never changed: ../README.md has the promise.
# plugin-api/tests/published writes and checks this file.
";

/// Public constants that grow with the ABI.
const GROWING: [&str; 2] = ["ABI_MINOR", "INTERFACES"];

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/abi"))
}

#[test]
fn what_was_published_is_there_unchanged() {
    let file = folder().join(format!("published/abi-{ABI_MAJOR}.txt"));
    let (published, current) = (fs::read_to_string(&file).unwrap_or_default(), library::describe());
    let changes = changes(&published, &current);
    assert!(
        changes.is_empty(),
        "the published ABI has changed:\n\n{}\nLibraries that are built already have what was published, and this program would refuse \
         them. Undo the change, and add a new type, or a new version of an interface, beside the old one: CONTRIBUTING.md, \"The ABI\", \
         says how. If nothing else helps, raise ABI_MAJOR; then every method has to be built again.",
        changes.concat()
    );
    if env::var_os(RECORD).is_some() {
        fs::write(&file, format!("{HEADER}{current}")).expect("writable");
        return;
    }
    let additions = additions(&published, &current);
    assert!(
        additions.is_empty(),
        "not published yet: {}. Once published, this stays for as long as ABI {ABI_MAJOR}. If it is as it should be for ever, record it \
         with `{RECORD}=1 cargo xtask test --test published`; if there is a new interface, the version of physrep-abi is \
         {ABI_MAJOR}.{ABI_MINOR}.0.",
        additions.join(", ")
    );
}

#[test]
fn every_public_type_and_constant_of_the_abi_is_described() {
    let described = library::describe();
    let names: Vec<&str> = described.lines().filter(|line| !line.starts_with(' ')).collect();
    let is_described = |name: &str| {
        let words = |line: &&str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
        names.iter().any(words)
    };
    let mut found = 0;
    for file in fs::read_dir(folder().join("src")).expect("the crate's sources") {
        let path = file.expect("readable").path();
        let source = fs::read_to_string(&path).expect("readable");
        let items = source.lines().filter_map(|line| {
            let item = line.trim_start().strip_prefix("pub ")?;
            let (kind, rest) = item.split_once(' ')?;
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
            (["const", "struct", "enum", "union"].contains(&kind) && name != "fn").then_some(name)
        });
        for name in items.filter(|name| !GROWING.contains(name)) {
            assert!(is_described(name), "{name} of {} is not in plugin-api/tests/published/library.rs", path.display());
            found += 1;
        }
    }
    assert!(found > 30, "the sources were read");
}
