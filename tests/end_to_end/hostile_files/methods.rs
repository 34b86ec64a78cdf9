//! Folders and libraries of methods.

use std::{fs, path::Path};

use super::{
    changes, places, rounds,
    trial::{Trials, replace},
};
use crate::support::{HOSTILE, Random, fixture};

#[test]
fn folders_of_methods() {
    let mut trials = Trials::of("method.toml");
    let text = fs::read_to_string(fixture("programs/nothing/method.toml")).expect("readable");
    let text = text + "version = \"1\"\nfinetune = true\njoint = true\n\n[config]\nwidth = 8\nrate = 0.5\n";
    let command = ["list", "methods", "--plugins", "method"].map(String::from).to_vec();
    let write = |folder: &Path, file: &dyn Fn(&Path)| {
        fs::create_dir(folder.join("method")).expect("writable");
        fs::write(folder.join("method/method.py"), "").expect("writable");
        file(&folder.join("method/method.toml"));
    };
    for round in 0..rounds() {
        let random = &mut Random::of("method", round);
        let hostile =
            if round % 3 == 0 { changes::bytes(text.as_bytes(), random) } else { changes::toml(&text, random) };
        trials.run(
            &format!("file {round}"),
            |folder| write(folder, &|file| replace(file, &hostile)),
            [command.clone()],
        );
    }
    for (what, place) in places::ALL.into_iter().take(rounds() as usize) {
        trials.run(what, |folder| write(folder, &|file| place(file)), [command.clone()]);
        // A file beside it, which is part of what the method is.
        let beside = |folder: &Path| {
            write(folder, &|file| replace(file, text.as_bytes()));
            place(&folder.join("method/beside"));
        };
        trials.run(&format!("a file beside it: {what}"), beside, [command.clone()]);
    }
    trials.end();
}

#[test]
fn libraries() {
    let mut trials = Trials::of("library");
    let whole = fs::read(HOSTILE.library()).expect("readable");
    let command = ["list", "methods", "--plugins", "libmethod.so"].map(String::from).to_vec();
    for round in 0..rounds() {
        let hostile = changes::bytes(&whole, &mut Random::of("library", round));
        let prepare = |folder: &Path| replace(&folder.join("libmethod.so"), &hostile);
        trials.run(&format!("file {round}"), prepare, [command.clone()]);
    }
    for (what, place) in places::ALL.into_iter().take(rounds() as usize) {
        trials.run(what, |folder| places::put(&folder.join("libmethod.so"), place), [command.clone()]);
    }
    trials.end();
}
