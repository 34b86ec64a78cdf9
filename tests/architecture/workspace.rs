//! The workspace as cargo resolves it.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// A crate of the workspace.
pub struct Package {
    pub name: String,
    /// The root files of its library and programs.
    pub roots: Vec<PathBuf>,
    /// Whether it is a method in `plugins`.
    pub is_plugin: bool,
    /// Packages that it names as dependencies; dependencies of builds and tests do not count.
    pub direct: BTreeSet<String>,
    /// All packages that it links, through others too.
    pub linked: BTreeSet<String>,
}

/// The crates of the workspace by name, without the plugins of the tests and the chores of `cargo xtask`.
pub fn packages() -> BTreeMap<String, Package> {
    let root = root();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked"])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let names: BTreeMap<&str, &str> =
        items(&metadata["packages"]).map(|p| (text(&p["id"]), text(&p["name"]))).collect();
    let edges: BTreeMap<&str, Vec<&str>> =
        items(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), dependencies(node))).collect();
    let members: BTreeSet<&str> = items(&metadata["workspace_members"]).map(text).collect();

    let own = items(&metadata["packages"]).filter(|package| members.contains(text(&package["id"])));
    let outside_tests =
        own.filter(|package| !["tests", "xtask"].iter().any(|folder| lies_in(package, &root.join(folder))));
    let package = |package: &Value| {
        let id = text(&package["id"]);
        let named = |ids: BTreeSet<&str>| ids.into_iter().map(|id| names[id].to_owned()).collect();
        let found = Package {
            name: names[id].to_owned(),
            roots: roots(package),
            is_plugin: ["plugins", "plugin-api/template"].iter().any(|folder| lies_in(package, &root.join(folder))),
            direct: named(edges[id].iter().copied().collect()),
            linked: named(reachable(id, &edges)),
        };
        (found.name.clone(), found)
    };
    outside_tests.map(package).collect()
}

/// The packages that a build of a selection of the workspace compiles, such as `-p PACKAGE`, each with the features of each of its builds.
pub fn features(selection: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--edges=normal,build", "--prefix=none", "--locked", "--format", "{p}|{f}"])
        .args(selection)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout);
    let lines = lines.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('|'));
    // "name v1.2.3 (path)": versions of one name are different packages.
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (package, features) in lines {
        let name: Vec<&str> = package.split(' ').take(2).collect();
        packages.entry(name.join(" ")).or_default().insert(features.to_owned());
    }
    packages
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root of the workspace")
}

fn lies_in(package: &Value, folder: &Path) -> bool {
    Path::new(text(&package["manifest_path"])).starts_with(folder)
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// The normal dependencies of a node of cargo's graph.
fn dependencies(node: &Value) -> Vec<&str> {
    let normal = |dependency: &&Value| items(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
    items(&node["deps"]).filter(normal).map(|dependency| text(&dependency["pkg"])).collect()
}

fn roots(package: &Value) -> Vec<PathBuf> {
    let linked =
        |target: &&Value| items(&target["kind"]).any(|kind| ["lib", "rlib", "cdylib", "bin"].contains(&text(kind)));
    items(&package["targets"]).filter(linked).map(|target| text(&target["src_path"]).into()).collect()
}

fn reachable<'a>(from: &'a str, edges: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let (mut found, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(id) = next.pop() {
        next.extend(edges[id].iter().filter(|dependency| found.insert(**dependency)));
    }
    found
}
