//! NVIDIA's libraries, as its packages on PyPI install them.

use std::{env, path::PathBuf};

const SEARCH_PATH: &str = "LD_LIBRARY_PATH";

/// Lets the processes that this one starts find the libraries beside which an installed program lies, in
/// `lib/python3.X/site-packages/nvidia`. What `LD_LIBRARY_PATH` names already comes first.
///
/// # Safety
///
/// There is no other thread.
pub unsafe fn add_to_search_path() {
    let found = beside_the_program();
    if found.is_empty() {
        return;
    }
    let named = env::var_os(SEARCH_PATH).unwrap_or_default();
    let named = env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect::<Vec<_>>();
    let new = found.into_iter().filter(|folder| !named.contains(folder)).collect::<Vec<_>>();
    if let Ok(all) = env::join_paths(named.iter().chain(&new)) {
        // SAFETY: the caller has no other thread.
        unsafe { env::set_var(SEARCH_PATH, all) };
    }
}

fn beside_the_program() -> Vec<PathBuf> {
    let program = env::current_exe().and_then(|program| program.canonicalize()).ok();
    let Some(root) = program.as_deref().and_then(|program| program.parent()?.parent()) else { return Vec::new() };
    let pattern = root.join("lib/python3*/*-packages/nvidia/*/lib");
    let folders = pattern.to_str().and_then(|pattern| glob::glob(pattern).ok());
    folders.into_iter().flatten().flatten().collect()
}
