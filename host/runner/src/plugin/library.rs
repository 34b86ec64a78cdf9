//! Opens a method's dynamic library and checks that this program can call it before it does.

use std::path::Path;

use abi_stable::library::{LibraryError, lib_header_from_path};
use physrep_abi::{ABI_MAJOR, ABI_MINOR, RootRef, VERSION_SYMBOL, VersionFn};

use super::{
    interface::{Interfaces, foreign_layout},
    method_library::MethodLibrary,
};
use crate::error::{Error, Result};

/// An open library. It stays open until the process ends: candle's thread pools make unloading unsound.
///
/// Child processes open one, and the command `encode`.
#[derive(Clone, Debug)]
pub(crate) struct Plugin {
    library: MethodLibrary,
    pub(super) interfaces: Interfaces,
}

impl Plugin {
    /// Opens and checks the library at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::Plugin`] if the file is not a dynamic library, not a plugin, of another major version of the ABI, or compiled with
    /// other layouts of the ABI's types; the message says what to do.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let refuse = |reason: String| Error::Plugin { path: path.to_owned(), reason };
        // An absolute path: dlopen searches the system's folders for a bare file name.
        let path = &path.canonicalize().map_err(|e| refuse(format!("cannot be opened: {e}")))?;
        check_version(path).map_err(refuse)?;
        let root = lib_header_from_path(path)
            .and_then(|header| header.init_root_module::<RootRef>())
            .map_err(|e| refuse(explain(&e)))?;
        let description = serde_json::from_str(&root.describe()())
            .map_err(|e| refuse(format!("its description is not JSON: {e}")))?;
        let interfaces = Interfaces::of(&root).map_err(refuse)?;
        Ok(Self { library: MethodLibrary::new(path, description)?, interfaces })
    }

    /// The library's file and description.
    pub(crate) fn library(&self) -> &MethodLibrary {
        &self.library
    }

    /// Floating-point operations that the library's sessions have executed so far; none if the plugin does not count them.
    pub(crate) fn flops(&self) -> Option<u64> {
        self.interfaces.cost.map(|cost| (cost.flops)())
    }
}

/// Checks the version of the ABI, which the library exports as a C function.
fn check_version(path: &Path) -> std::result::Result<(), String> {
    // SAFETY: loading runs the library's initialisers; users load only plugins that they trust.
    let library = unsafe { libloading::Library::new(path) }.map_err(|e| {
        let why = std::error::Error::source(&e).map_or_else(|| e.to_string(), ToString::to_string);
        format!("cannot be opened as a dynamic library: {why}")
    })?;
    let version = {
        // SAFETY: by the contract of the ABI a symbol of this name has this type.
        let symbol = unsafe { library.get::<VersionFn>(VERSION_SYMBOL) }.map_err(|_| {
            format!(
                "it is not a physrep-bench plugin: it does not export `{VERSION_SYMBOL}`. \
                 A plugin crate is a `cdylib` with one `export_method!` line"
            )
        })?;
        // SAFETY: by the contract of the ABI the function has no preconditions.
        unsafe { symbol() }
    };
    std::mem::forget(library); // never unloaded
    let (major, minor) = (version >> 32, version & 0xffff_ffff);
    if major == u64::from(ABI_MAJOR) {
        return Ok(());
    }
    Err(format!(
        "it is built for ABI {major}.{minor}, this physrep-bench for {ABI_MAJOR}.{ABI_MINOR}. Rebuild the plugin against \
         physrep-plugin-api of this physrep-bench (`cargo build --release` in its crate), or use a physrep-bench \
         of ABI {major}"
    ))
}

/// The part of an abi_stable error that an author needs; the full text can have thousands of lines.
fn explain(error: &LibraryError) -> String {
    match error {
        LibraryError::AbiInstability(_) => foreign_layout("root module"),
        LibraryError::IncompatibleVersionNumber { expected_version, actual_version, .. } => format!(
            "its root module is of ABI {actual_version}, this physrep-bench's of {expected_version}. Rebuild the plugin against \
             physrep-plugin-api of this physrep-bench"
        ),
        LibraryError::InvalidAbiHeader(_) => {
            "it was built with another abi_stable than this physrep-bench. Rebuild the plugin against physrep-plugin-api of \
             this physrep-bench"
                .into()
        }
        LibraryError::GetSymbolError { .. } => {
            "it exports a version but no root module. Use `export_method!` to export a method".into()
        }
        other => other.to_string().lines().next().unwrap_or_default().into(),
    }
}
