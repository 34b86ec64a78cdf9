//! Files of data: HDF5, statistics, settings of a generation, packed.

use std::{fs, path::Path};

use physrep_benchmarks::packed::PackedHeader;
use serde_json::Value;

use super::{
    changes, places, rounds,
    trial::{Trials, find, link, replace},
};
use crate::support::{Random, Suite};

/// Changes the file of data that `name` finds, and runs `commands`, words each.
fn changed(kind: &'static str, name: &str, hostile: impl Fn(&[u8], u64, &mut Random) -> Vec<u8>, commands: &[&str]) {
    let mut trials = Trials::of(kind);
    let file = find(Suite::Micro.data(), name);
    let below = file.strip_prefix(Suite::Micro.data()).expect("a file of the data");
    let bytes = fs::read(&file).expect("readable");
    let suite = Suite::Micro.path().display().to_string();
    let shown = Path::new("data").join(below).display().to_string();
    let commands: Vec<Vec<String>> = commands
        .iter()
        .map(|command| command.split(' ').map(|word| word.replace("FILE", &shown).replace("SUITE", &suite)).collect())
        .collect();
    for round in 0..rounds() {
        let hostile = hostile(&bytes, round, &mut Random::of(kind, round));
        let prepare = |folder: &Path| {
            link(Suite::Micro.data(), &folder.join("data"));
            replace(&folder.join("data").join(below), &hostile);
        };
        trials.run(&format!("file {round}"), prepare, commands.clone());
    }
    for (what, place) in places::ALL.into_iter().take(rounds() as usize) {
        let prepare = |folder: &Path| {
            link(Suite::Micro.data(), &folder.join("data"));
            places::put(&folder.join("data").join(below), place);
        };
        trials.run(what, prepare, commands.clone());
    }
    trials.end();
}

/// The name of a file of the data with this ending.
fn ending(ending: &str) -> String {
    let files = crate::support::files_below(Suite::Micro.data()).into_keys();
    let found = files.into_iter().find(|path| path.to_string_lossy().ends_with(ending)).expect("a file of the data");
    found.file_name().expect("a name").to_string_lossy().into_owned()
}

#[test]
fn hdf5_files() {
    let commands = [
        "data info FILE",
        "data verify FILE --stall-timeout 5",
        "data pack shear_flow --suite SUITE --data data --out again",
    ];
    changed("HDF5", &ending(".hdf5"), |bytes, _, random| changes::bytes(bytes, random), &commands);
}

#[test]
fn statistics() {
    let commands = ["data verify data", "data info data"];
    let hostile = |bytes: &[u8], round: u64, random: &mut Random| match round % 8 {
        // A billion laughs.
        7 => {
            let level = |n: u32| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n + 1); 10].join(", "));
            let rest: String = (0..9).rev().map(level).collect();
            format!("a9: &a9 [lol]\n{rest}").into_bytes()
        }
        _ => changes::bytes(bytes, random),
    };
    changed("stats.yaml", "stats.yaml", hostile, &commands);
}

#[test]
fn settings_of_a_generation() {
    let commands = ["data generate shear_flow --suite SUITE --out data", "data verify data"];
    let hostile = |bytes: &[u8], round: u64, random: &mut Random| match round % 2 {
        0 => changes::bytes(bytes, random),
        _ => {
            let document = serde_json::from_slice(bytes).expect("JSON");
            changes::json(&document, random).to_string().into_bytes()
        }
    };
    changed("generated.json", "generated.json", hostile, &commands);
}

#[test]
fn packed_files() {
    let commands = ["data info FILE", "data verify FILE", "data show FILE --out sheet.png"];
    let hostile = |bytes: &[u8], round: u64, random: &mut Random| match round % 2 {
        0 => changes::bytes(bytes, random),
        _ => with_other_header(bytes, random),
    };
    changed("packed", &ending(".packed"), hostile, &commands);
}

/// A packed file whose header is another one, with the digest that it should have.
fn with_other_header(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let (header, payload) = PackedHeader::parse(Path::new("packed"), bytes).expect("a packed file");
    let document: Value = serde_json::to_value(&header).expect("plain JSON");
    for _ in 0..100 {
        if let Ok(other) = serde_json::from_value::<PackedHeader>(changes::json(&document, random)) {
            return [other.to_bytes(), bytes[payload..].to_vec()].concat();
        }
    }
    changes::bytes(bytes, random)
}
