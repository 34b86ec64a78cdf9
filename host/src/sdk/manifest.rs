//! The manifest of a workspace of the SDK and methods alone, from that of the checkout.

use toml::{Table, Value};

/// The packages that methods link and that the release profile compiles otherwise.
const PROFILED: &[&str] = &[
    "tokenizers",
    "fancy-regex",
    "regex-automata",
    "regex-syntax",
    "aho-corasick",
    "zip",
    "abi_stable",
    "candle-core",
];

/// The manifest of the carried sources.
pub(super) fn of_methods(checkout: &str) -> Result<String, String> {
    let mut manifest: Table = checkout.parse().map_err(|e| format!("{e}"))?;
    let workspace = manifest.get_mut("workspace").and_then(Value::as_table_mut).ok_or("it has no [workspace]")?;
    workspace.remove("default-members");
    if let Some(members) = workspace.get_mut("members").and_then(Value::as_array_mut) {
        members.retain(|member| member.as_str().is_some_and(|path| path.starts_with("plugin")));
    }
    if let Some(dependencies) = workspace.get_mut("dependencies").and_then(Value::as_table_mut) {
        dependencies.retain(|_, dependency| match dependency.get("path").and_then(Value::as_str) {
            Some(path) => path.starts_with("plugin-api"),
            None => true,
        });
    }
    let profile = profile_table(&manifest)?;
    manifest.insert("profile".into(), Value::Table(profile));
    Ok(manifest.to_string())
}

/// The release profile, as lines of a manifest.
pub(super) fn profile(checkout: &str) -> Result<String, String> {
    let manifest: Table = checkout.parse().map_err(|e| format!("{e}"))?;
    Ok(Table::from_iter([("profile".to_owned(), Value::Table(profile_table(&manifest)?))]).to_string())
}

fn profile_table(manifest: &Table) -> Result<Table, String> {
    let profile = manifest.get("profile").and_then(Value::as_table).ok_or("it has no [profile.release]")?;
    let mut profile = profile.clone();
    let packages = profile.get_mut("release").and_then(|release| release.get_mut("package"));
    if let Some(packages) = packages.and_then(Value::as_table_mut) {
        packages.retain(|package, _| PROFILED.contains(&package));
    }
    Ok(profile)
}
