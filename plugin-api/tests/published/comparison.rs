//! What was published against what is there: an entry that was published stays as it is for ever, and new ones may be added.

use std::collections::BTreeMap;

/// What was published and is gone or otherwise, a paragraph for each entry.
pub fn changes(published: &str, current: &str) -> Vec<String> {
    let current = entries(current);
    let change = |(name, old): (&str, Vec<&str>)| match current.get(name) {
        None => Some(format!("{name}: it is gone\n")),
        Some(new) if *new == old => None,
        Some(new) => Some(format!("{name}:\n{}", difference(&old, new))),
    };
    entries(published).into_iter().filter_map(change).collect()
}

/// The names of entries that were not published yet.
pub fn additions<'a>(published: &str, current: &'a str) -> Vec<&'a str> {
    let published = entries(published);
    entries(current).into_keys().filter(|name| !published.contains_key(name)).collect()
}

/// The entries by name. One begins at the margin with its name and a colon; comments begin with `#`.
fn entries(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut found = BTreeMap::<&str, Vec<&str>>::new();
    let mut last = "";
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        match line.strip_prefix(' ') {
            Some(_) => found.entry(last).or_default().push(line.trim()),
            None => {
                let (name, first) = line.split_once(": ").unwrap_or((line, ""));
                assert!(found.insert(name, vec![first]).is_none(), "two entries are called {name}");
                last = name;
            }
        }
    }
    found
}

/// The lines from the first that differs to the last that does.
fn difference(old: &[&str], new: &[&str]) -> String {
    let same = |(a, b): &(&&str, &&str)| a == b;
    let before = old.iter().zip(new).take_while(same).count();
    let after = old[before..].iter().rev().zip(new[before..].iter().rev()).take_while(same).count();
    let lines = |sign: char, all: &[&str]| -> String {
        all[before..all.len() - after].iter().map(|line| format!("  {sign} {line}\n")).collect()
    };
    lines('-', old) + &lines('+', new)
}

#[test]
fn a_new_entry_is_an_addition_and_no_change() {
    let published = "# a comment\nconstant A: 1\nstruct S: size 8\n    a: u32\n    b: u32\n";
    let current = "constant A: 1\nconstant B: 2\nstruct S: size 8\n    a: u32\n    b: u32\nstruct T: size 0\n";
    assert_eq!(changes(published, published), [""; 0]);
    assert_eq!(changes(published, current), [""; 0]);
    assert_eq!(additions(published, current), ["constant B", "struct T"]);
}

#[test]
fn what_is_gone_or_has_another_value_is_named() {
    let published = "constant A: 1\nconstant B: 2\nkey name: string\nkey version: string\n";
    let current = "constant A: 1\nconstant B: 3\nkey name: number\n";
    assert_eq!(
        changes(published, current),
        ["constant B:\n  - 2\n  + 3\n", "key name:\n  - string\n  + number\n", "key version: it is gone\n"]
    );
    assert_eq!(additions(published, current), [""; 0]);
}
