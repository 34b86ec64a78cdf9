//! Files of a crate that use each other in a circle.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use crate::{
    imports::{Uses, short, uses},
    modules::read_crate,
};

/// The circles among the files of the crate with the root file `root`, each as a text: its files, and who uses whom where.
pub fn circles(root: &Path) -> Vec<String> {
    let uses = uses(&read_crate(root));
    let folder = root.parent().expect("a file has a folder");
    groups(&uses).iter().map(|group| describe(group, &uses, folder)).collect()
}

/// The sets of two or more files in which each reaches all others.
fn groups(uses: &Uses) -> Vec<BTreeSet<&PathBuf>> {
    let reach = |from: &PathBuf| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(file) = next.pop() {
            for used in uses.get(file).into_iter().flat_map(|used| used.keys()) {
                if reached.insert(used) {
                    next.push(used);
                }
            }
        }
        reached
    };
    let mut found = Vec::<BTreeSet<&PathBuf>>::new();
    for file in uses.keys() {
        if found.iter().any(|group| group.contains(file)) {
            continue;
        }
        let group: BTreeSet<&PathBuf> = reach(file).into_iter().filter(|other| reach(other).contains(file)).collect();
        if group.len() > 1 {
            found.push(group);
        }
    }
    found
}

fn describe(group: &BTreeSet<&PathBuf>, uses: &Uses, folder: &Path) -> String {
    let mut text = format!("{} files use each other in a circle:", group.len());
    for file in group {
        for (used, reason) in uses[*file].iter().filter(|(used, _)| group.contains(used)) {
            let (file, used) = (short(file, folder), short(used, folder));
            write!(text, "\n    {file}:{} uses {used} ({})", reason.line, reason.path).expect("strings take all");
        }
    }
    text
}

#[test]
fn no_files_of_a_crate_use_each_other_in_a_circle() {
    for package in crate::workspace::packages().values() {
        let found: Vec<String> = package.roots.iter().flat_map(|root| circles(root)).collect();
        assert!(found.is_empty(), "{}: {}", package.name, found.join("\n"));
    }
}

#[cfg(test)]
mod planted {
    use std::fs;

    use super::circles;

    /// The circles of a crate with these files.
    fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, code) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            fs::write(path, code).expect("writable");
        }
        circles(&folder.path().join("lib.rs"))
    }

    #[track_caller]
    fn one_circle(files: &[(&str, &str)], lines: &[&str]) {
        let found = circles_of(files);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].lines().skip(1).map(str::trim).collect::<Vec<_>>(), lines);
    }

    #[test]
    fn siblings_that_import_each_other_are_found() {
        let a = "use crate::{b::{B, other}, std_like};\npub struct A(B);";
        let b = "pub struct B;\npub fn other() { super::a::A::new() }";
        let lines = ["a.rs:1 uses b.rs (crate::b::B)", "b.rs:2 uses a.rs (super::a::A::new)"];
        one_circle(&[("lib.rs", "mod a; mod b; pub fn std_like() {}"), ("a.rs", a), ("b.rs", b)], &lines);
    }

    #[test]
    fn a_circle_through_a_re_export_is_that_of_the_defining_files() {
        let parent = "mod one; mod two;\npub use one::One; pub use two::Two;";
        let files = [("lib.rs", "mod p;"), ("p/mod.rs", parent)];
        let one = ("p/one.rs", "use super::Two;\npub struct One(Two);");
        let two = ("p/two.rs", "pub struct Two; impl Two { fn f(_: crate::p::One) {} }");
        let lines = ["p/one.rs:1 uses p/two.rs (super::Two)", "p/two.rs:1 uses p/one.rs (crate::p::One)"];
        one_circle(&[files[0], files[1], one, two], &lines);
        // Without the way back there is none: the parent, which re-exports both, uses neither.
        assert!(circles_of(&[files[0], files[1], one, ("p/two.rs", "pub struct Two;")]).is_empty());
    }

    #[test]
    fn a_parent_that_uses_its_child_and_defines_what_the_child_needs_is_found() {
        let child = ("p/child.rs", "use super::*;\npub fn f(_: Shape) {}");
        let used = "mod child;\npub struct Shape;\npub fn g() { child::f(Shape) }";
        let lines = ["p/child.rs:2 uses p.rs (Shape)", "p.rs:3 uses p/child.rs (child::f)"];
        one_circle(&[("lib.rs", "mod p;"), ("p.rs", used), child], &lines);
        let declared = "mod child;\npub use child::f;\npub struct Shape;";
        assert!(circles_of(&[("lib.rs", "mod p;"), ("p.rs", declared), child]).is_empty());
        let named = "mod child;\npub use child::f;\npub struct Shape;\nfn g() { f(Shape) }";
        assert_eq!(circles_of(&[("lib.rs", "mod p;"), ("p.rs", named), child]).len(), 1);
    }

    #[test]
    fn tests_comments_strings_and_other_crates_are_no_imports() {
        let a = "//! crate::b::f\nuse b as other;\npub fn g() -> &'static str { \"crate::b::f\" }
#[cfg(test)]\nmod tests { use crate::b::f; }\n#[cfg(test)]\nuse crate::b::f;";
        let b = "use crate::a::g;\npub fn f() { g(); }";
        assert!(circles_of(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", b)]).is_empty());
    }

    #[test]
    fn aliases_inline_modules_paths_and_functions_of_a_module_s_name_are_followed() {
        let lib = "mod a;\n#[path = \"elsewhere.rs\"]\nmod b;";
        let a = "use crate::b as other;\npub mod inner { pub fn g() {} }\npub fn f() { other::run() }";
        let b = "mod run;\npub use run::run;";
        let run = "pub fn run() { crate::a::inner::g() }";
        let lines = ["a.rs:3 uses b/run.rs (other::run)", "b/run.rs:1 uses a.rs (crate::a::inner::g)"];
        one_circle(&[("lib.rs", lib), ("a.rs", a), ("elsewhere.rs", b), ("b/run.rs", run)], &lines);
    }
}
